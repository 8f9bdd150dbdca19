"""Words, scripts and the share of the target language."""

import pytest

from r1cli.errors import UserError
from r1cli.metrics.language import consistency, words


def texts(text: str) -> list[str]:
    return [word.text for word in words(text)]


def test_a_run_of_letters_is_a_word_and_so_is_one_character() -> None:
    assert [tuple(word) for word in words("Let us 试一下 ok")] == [
        ("Let", "latin"),
        ("us", "latin"),
        ("试", "han"),
        ("一", "han"),
        ("下", "han"),
        ("ok", "latin"),
    ]


def test_the_share_by_hand() -> None:
    assert consistency("wait , 不 是 13 .") == pytest.approx(1 / 3)
    assert consistency("wait , 不 是 13 .", "zh") == pytest.approx(2 / 3)
    assert consistency("that is wrong") == 1.0
    assert consistency("等 , 错 了") == 0.0


@pytest.mark.parametrize(
    "text", ["", "   ", "3 * 4 = 12 , 12 + 1 = 13 .", "$x^2 + y$", "\\frac{1}{2}", "x + y = z", "😀 ½"]
)
def test_without_words_there_is_no_share(text: str) -> None:
    assert consistency(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't double-check", ["don't", "double-check"]),
        ("I have a cat", ["I", "have", "a", "cat"]),
        ("take x and y", ["take", "and"]),
        ("so $a \\times \\text{cost}$ is it", ["so", "is", "it"]),
        ("so $$cost = 3$$ done", ["so", "done"]),
        ("so \\(cost = 3\\) or \\[cost\\] done", ["so", "or", "done"]),
        ("it costs $80,000 and then $50,000 more", ["it", "costs", "and", "then", "more"]),
        ("\\begin{align*} cost \\end{align*} done", ["done"]),
        ("run `print(cost)` now", ["run", "now"]),
        ("run\n```python\nprint(cost)\n```\nnow", ["run", "now"]),
        ("run ```print(cost)", ["run"]),
        ("hm <think> so", ["hm", "so"]),
        ("caf\u00e9 na\u00efve cafe\u0301", ["caf\u00e9", "na\u00efve", "caf\u00e9"]),
        ("\uff21\uff22\uff23", ["ABC"]),
        ("привет мир", ["привет", "мир"]),
        ("ひらカナ", ["ひ", "ら", "カ", "ナ"]),
        ("안녕 세상", ["안녕", "세상"]),
        ("שלום", ["שלום"]),
    ],
)
def test_what_is_a_word(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_scripts_of_other_languages() -> None:
    assert consistency("ひらがな 漢字", "ja") == 1.0
    assert consistency("привет hello", "ru") == 0.5
    assert consistency("שלום hello", "en") == 0.5


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(UserError, match="unknown language `english`"):
        consistency("hello", "english")


def test_hostile_texts_take_no_time() -> None:
    for text in (
        "$$" * 20_000,
        "\\[" * 5_000,
        "`" * 50_000,
        "$a" * 20_000,
        "\\begin{a}" * 3_000,
        "a'" * 50_000,
    ):
        consistency(text)
