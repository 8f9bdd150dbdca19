"""Reflection words, counted by hand."""

import pytest

from r1cli.metrics import aha


def one(text: str, word: str) -> int:
    return aha.count(text, (word,))[word]


def test_the_lists_are_those_of_the_papers() -> None:
    assert len(aha.STRICT) == len(set(aha.STRICT)) == 15
    assert len(aha.DEEPSEEK) == len(set(aha.DEEPSEEK)) == 10
    assert "wait" not in aha.STRICT and "wait" in aha.DEEPSEEK


def test_a_text_counted_by_hand() -> None:
    text = (
        "Wait, that is wrong. But wait - let me check again: 3 * 4 = 12. However, I should double-check. Aha!"
    )
    found = {w: n for w, n in aha.count(text, aha.DEEPSEEK).items() if n}
    assert found == {"wait": 2, "wrong": 1, "but": 1, "check": 1, "however": 1}
    assert {w: n for w, n in aha.count(text, aha.STRICT).items() if n} == {
        "check again": 1,
        "double-check": 1,
    }
    assert aha.count(text, aha.PHRASE) == {"aha": 1}


def test_every_word_asked_for_is_in_the_result() -> None:
    assert aha.count("", aha.DEEPSEEK) == dict.fromkeys(aha.DEEPSEEK, 0)


@pytest.mark.parametrize(
    ("text", "word", "times"),
    [
        ("WAIT Wait wait", "wait", 3),
        ("waiting await waits wait_", "wait", 0),
        ("checks checked checking paycheck", "check", 0),
        ("re-evaluate", "evaluate", 0),
        ("re-evaluate", "re-evaluate", 1),
        ("re\u2011evaluate", "re-evaluate", 1),  # non-breaking hyphen
        ("double-check", "check", 0),
        ("check-in", "check", 0),
        ("no--wait", "wait", 1),
        ("- wait -", "wait", 1),
        ("-wait", "wait", 1),
        ("no\u2014wait\u2014no", "wait", 1),
        ("(wait)...wait!", "wait", 2),
        ("wait5 5wait", "wait", 0),
        ("\u7b49wait\u7b49", "wait", 1),  # Chinese characters are no letters of the word
        ("check again", "check again", 1),
        ("check\n  again check again", "check again", 2),
        ("check, again", "check again", 0),
        ("check against", "check again", 0),
        ("check again-st", "check again", 0),
        ("let us go over the steps", "go over the steps", 1),
        ("go over the the steps", "go over the steps", 0),
        ("an aha moment, ahah, Aha", "aha", 2),
        ("error-prone terror errors error", "error", 1),
        ("b\u00fct but", "but", 1),
    ],
)
def test_whole_words_only(text: str, word: str, times: int) -> None:
    assert one(text, word) == times


def test_words_of_a_pair_are_counted_for_both_lists() -> None:
    text = "think again , check again , verify again"
    assert sum(aha.count(text, aha.STRICT).values()) == 3
    assert sum(aha.count(text, aha.DEEPSEEK).values()) == 2  # check, verify


def test_long_texts_take_no_time() -> None:
    assert one("check " * 50_000, "check again") == 0
    assert one("a-" * 100_000, "wait") == 0
