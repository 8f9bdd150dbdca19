"""Templates, and taking a response apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1cli.errors import UserError
from r1cli.problem import Completion, Problem
from r1cli.prompts import ANSWER, TEMPLATES, THINK, answers, prompt, render, split, tags_once, thoughts

# The same examples on every machine, and no failure because a machine is busy.
steady = settings(derandomize=True, deadline=None)

GOOD = "<think> 3 * 4 = 12 </think> <answer> ( 3 * 4 ) + 1 </answer>"


def parts(text: str) -> Completion:
    return split(text, tokens=7, truncated=False)


def test_the_paper_template_is_verbatim() -> None:
    assert render("r1_zero", "How many") == (
        "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. "
        "The assistant first thinks about the reasoning process in the mind and then provides the user with "
        "the answer. The reasoning process and answer are enclosed within <think> </think> and <answer> "
        "</answer> tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here "
        "</answer>. "
        "User: How many. Assistant:"
    )


def test_a_question_that_ends_a_sentence_gets_no_second_stop() -> None:
    assert render("r1_zero", "How many? ").endswith("User: How many? Assistant:")
    assert render("r1_zero", "Find {x}.").endswith("User: Find {x}. Assistant:")


def test_a_prefilled_prompt_ends_with_its_prefill() -> None:
    template = TEMPLATES["r1_zero_prefilled"]
    assert template.prefill == "<think>"
    assert render(template.name, "Q").endswith("Assistant: <think>")


def test_prefills_are_at_the_end_of_their_prompts_and_names_are_keys() -> None:
    for name, template in TEMPLATES.items():
        assert template.name == name
        assert template.text.count("{question}") == 1
        assert template.text.endswith(template.prefill)


def test_the_short_question_is_for_the_embedded_model_only() -> None:
    problem = Problem("p", "make 3 from 1 2 .", "1 + 2", "countdown", {"statement": "Using 1 and 2, make 3."})
    assert prompt("nano", problem) == "User : make 3 from 1 2 . Assistant :"
    assert prompt("r1_zero", problem).endswith("User: Using 1 and 2, make 3. Assistant:")
    assert prompt("r1_zero", Problem("p", "Q", "1", "number")).endswith("User: Q. Assistant:")


def test_an_unknown_template_names_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean `r1_zero`"):
        render("r1zero", "Q")


def test_a_good_response() -> None:
    completion = parts(f"\n{GOOD}\n")
    assert completion.reasoning == "3 * 4 = 12"
    assert completion.answer == "( 3 * 4 ) + 1"
    assert completion.well_formed
    assert (completion.tokens, completion.truncated) == (7, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "13",
        "<think></think><answer>13</answer>",  # open-r1's pattern takes an empty reasoning
        "<think> \n </think><answer>13</answer>",
        "<think>a</think><answer> </answer>",
        "<think>a</think>13",  # TRL's think_format_reward gives this 1.0
        "a</think><answer>13</answer>",
        "<answer>13</answer>",
        "<think>a<answer>13</answer></think>",
        "<think>a</think><answer>13",
        f"{GOOD} trailing",  # open-r1's `$` with MULTILINE takes it
        f"{GOOD}\ntrailing",
        f"leading {GOOD}",
        f"{GOOD}{GOOD}",
        "<think>a</think> between <answer>13</answer>",
        "<think>a<think>b</think></think><answer>13</answer>",
        "<think>a</think><answer>1<answer>13</answer></answer>",
        "<think>a</think><answer>12</answer><answer>13</answer>",
        "<think>a</think></think><answer>13</answer>",
        "<answer>13</answer><think>a</think>",
        "<THINK>a</THINK><ANSWER>13</ANSWER>",
        "<think >a</think ><answer>13</answer>",
    ],
)
def test_malformed_responses(text: str) -> None:
    assert not parts(text).well_formed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\\boxed{42}</think> I do not know", None),  # three well-known graders accept it
        ("<think><answer>42</answer></think> I do not know", None),
        ("<answer>42</answer></think> I do not know", None),
        ("<think>a <answer>42</answer>", "42"),  # no closing tag: the only answer there is
        ("so <answer>42</answer>", "42"),
        ("<think>a</think><answer>1</answer><answer>2</answer>", "2"),
        ("<think>a</think>x</think><answer>2</answer>", "2"),
        ("<think>a</think><answer>1<answer>2</answer></answer>", "2"),
        ("<think>a</think><answer>2</answer>\n", "2"),  # TinyZero reads the last line only and scores this 0
        ("<think>a</think><answer>\n2\n</answer>", "2"),
        ("<think>a</think><answer></answer>", ""),
        ("<think>a</think><answer>2", None),
    ],
)
def test_where_the_answer_is_read(text: str, expected: str | None) -> None:
    assert parts(text).answer == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think> a b </think> c", "a b"),
        ("<think> a <think> b </think> c </think>", "a <think> b"),
        ("<think> a", "a"),
        ("<think> a <answer> 1 </answer>", "a"),
        ("a </think>", None),
        ("a <answer> 1 </answer>", None),
    ],
)
def test_what_counts_as_reasoning(text: str, expected: str | None) -> None:
    assert parts(text).reasoning == expected


def test_thoughts_are_found_without_tags_too() -> None:
    assert thoughts(parts("a <think> b </think> c")) == "b"
    assert thoughts(parts("wait , no <answer> 13 </answer> wait")) == "wait , no"
    assert thoughts(parts("wait , no </think> 13")) == "wait , no"
    assert thoughts(parts("<answer> 13 </answer> wait")) == ""


def test_tags_once() -> None:
    assert tags_once(GOOD) == 1.0
    assert tags_once("<think> a </think> <answer> 1 </answer> <answer>") == 0.75  # <answer> is there twice
    assert tags_once("") == 0.0


pieces = st.lists(st.sampled_from([*THINK, *ANSWER, " ", "a", "13", "\n"]), max_size=14).map("".join)


@steady
@given(pieces)
def test_well_formed_means_exactly_the_four_tags_in_order_with_something_between(text: str) -> None:
    completion = parts(text)
    if completion.well_formed:
        assert completion.reasoning and completion.answer
        assert completion.reasoning == thoughts(completion)
        rebuilt = f"{THINK[0]}{completion.reasoning}{THINK[1]}{ANSWER[0]}{completion.answer}{ANSWER[1]}"
        squeezed = "".join(text.split())
        assert squeezed == "".join(rebuilt.split())


@steady
@given(pieces)
def test_an_answer_never_comes_from_the_reasoning(text: str) -> None:
    completion = parts(text)
    final = text.split(THINK[1])[-1]
    assert all(answer in final for answer in answers(text))
    assert (completion.answer is None) == (not answers(text))


def test_hostile_texts_take_no_time() -> None:
    for text in ("<answer>" * 50_000, "<think>" * 50_000, "<think>a</think><answer>" * 20_000, "<" * 300_000):
        assert not parts(text).well_formed
