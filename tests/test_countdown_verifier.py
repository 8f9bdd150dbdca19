"""Countdown answers: right ones in every notation, wrong ones of every kind, and nothing that hangs."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1cli.problem import Problem, Status
from r1cli.prompts import split
from r1cli.verifiers import countdown, verify

# The same examples on every machine, and no failure because a machine is busy.
steady = settings(derandomize=True, deadline=None)


def problem(numbers: list[int], target: int) -> Problem:
    return Problem("p", "q", "", "countdown", {"numbers": numbers, "target": target})


THIRTEEN = problem([3, 4, 1], 13)


@pytest.mark.parametrize(
    "answer",
    [
        "( 3 * 4 ) + 1",
        "3*4+1",
        " 1 + 4 * 3 ",
        "((3)*(4))+(1)",
        "(3 *\n 4) + 1",
        "3 \u00d7 4 + 1",
        "\uff08\uff13\uff0a\uff14\uff09\uff0b\uff11",
        "3*4\u200b+1",  # zero-width space
    ],
)
def test_right(answer: str) -> None:
    assert countdown.verify(THIRTEEN, answer) == (Status.RIGHT, "equals 13")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("3 + 4 + 1", "equals 8, not 13"),
        ("13", "uses 13, which is not given"),
        ("4 + 1", "does not use 3"),
        ("12 + 1", "uses 12, which is not given"),
        ("3 * 4", "does not use 1"),
        ("3 * 4 + 1 + 3 - 3", "uses 3 3 times, given once"),
        ("3 * 4 + 1 * 1", "uses 1 twice, given once"),
        ("3 * 4 + 1 = 13", "only numbers"),
        ("13 = 3 * 4 + 1", "only numbers"),
        ("3 * 4 + 1 .", "only numbers"),
        ("3 * 4 + 1, 1 + 3 * 4", "only numbers"),
        ("3 * 4 + 1; 1", "only numbers"),
        ("3 * 4 + 1 # yes", "only numbers"),
        ("3 * 4 + 1 or 13", "only numbers"),
        ("3 * 4 + 1 1 + 3 * 4", "not an expression"),
        ("3 * 4 + 1\n1 + 3 * 4", "not an expression"),
        ("3 ** 4 + 1", "only + - * /"),
        ("4 // 3 + 1", "only + - * /"),
        ("3 * 4 - -1", "only + - * /"),
        ("+3 * 4 + 1", "only + - * /"),
        ("3(4) + 1", "only + - * /"),
        ("(3)(4) + 1", "only + - * /"),
        ("()", "only + - * /"),
        ("3 * 4 + 01", "not an expression"),
        ("3 * 4 +", "not an expression"),
        ("(3 * 4 + 1", "not an expression"),
        ("3 * 4) + (1", "not an expression"),
        ("3.0 * 4 + 1", "only numbers"),
        ("3e0 * 4 + 1", "only numbers"),
        ("0x3 * 4 + 1", "only numbers"),
        ("3_0 + 4 + 1", "only numbers"),
        ("3\u00b2 + 4 * 1", "only numbers"),  # NFKC would read 32
        ("\u00bd", "only numbers"),
        ("\u0663 * 4 + 1", "only numbers"),  # Arabic 3
        ("\\boxed{3 * 4 + 1}", "only numbers"),
        ("x", "only numbers"),
        ("__import__('os').system('true')", "only numbers"),
        ("3 * 4 + 1 if 1 else 0", "only numbers"),
        ("3 < 4", "only numbers"),
        ("9" * 150, "uses 999999999999..., which is not given"),
    ],
)
def test_wrong_and_why(answer: str, reason: str) -> None:
    status, why = countdown.verify(THIRTEEN, answer)
    assert status is Status.WRONG
    assert why.startswith(reason)


def test_fractions_are_exact() -> None:
    # 8 / (3 - 8 / 3) = 8 / (1 / 3) = 24: floating point gives 23.999999999999989
    assert countdown.verify(problem([8, 8, 3, 3], 24), "8 / (3 - 8 / 3)").status is Status.RIGHT
    assert countdown.verify(problem([1, 3], 0), "1 / 3").reason == "equals 1/3, not 0"


def test_dividing_by_zero_is_wrong() -> None:
    assert countdown.verify(problem([2, 2, 5], 5), "5 / (2 - 2)") == (Status.WRONG, "divides by zero")


def test_equal_numbers_are_counted() -> None:
    assert countdown.verify(problem([2, 2], 4), "2 + 2").status is Status.RIGHT
    assert countdown.verify(problem([2, 2], 2), "2").reason == "uses 2 once, given twice"


@pytest.mark.parametrize(
    "answer",
    [
        "9**9**9**9",
        "3**(4**(1**9999999))",
        "(" * 100 + ")" * 100,
        "(" * 150,
        "-" * 199 + "1",
        "1*" * 99 + "1",
        "9" * 200,
        "9*" * 100_000 + "9",
        "(" * 1_000_000,
        " " * 1_000_000 + "3*4+1" + " " * 1_000_000,
    ],
)
@pytest.mark.timeout(5)
def test_nothing_hangs(answer: str) -> None:
    assert countdown.verify(THIRTEEN, answer).status in {Status.WRONG, Status.RIGHT}


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("<think>a</think><answer>3*4+1</answer>", Status.RIGHT, "equals 13"),
        ("3*4+1", Status.NO_ANSWER, "no <answer>"),
        ("<think><answer>3*4+1</answer></think>", Status.NO_ANSWER, "no <answer>"),
        ("<answer> </answer>", Status.NO_ANSWER, "empty <answer>"),
        ("<answer>3*4+1", Status.NO_ANSWER, "no <answer>"),
        ("<answer>1</answer><answer>3*4+1</answer>", Status.WRONG, "2 answers where one is asked"),
    ],
)
def test_verdicts(text: str, status: Status, reason: str) -> None:
    verdict = verify(THIRTEEN, split(text, tokens=1, truncated=False))
    assert (verdict.status, verdict.reason) == (status, reason)
    assert verdict.score == float(status is Status.RIGHT)
    assert verdict.seconds >= 0.0


def test_a_broken_problem_is_an_infra_error_and_not_wrong() -> None:
    broken = Problem("p", "q", "", "countdown")
    verdict = verify(broken, split("<answer>1</answer>", tokens=1, truncated=False))
    assert verdict.status is Status.INFRA_ERROR
    assert verdict.reason == "countdown: KeyError: 'numbers'"


class Tree:
    """An expression: its text, its numbers and its exact value (None after a division by zero)."""

    def __init__(self, text: str, numbers: list[int], value: Fraction | None) -> None:
        self.text, self.numbers, self.value = text, numbers, value


def combine(pair: tuple[Tree, Tree], sign: str) -> Tree:
    left, right = pair
    text, numbers = f"({left.text} {sign} {right.text})", left.numbers + right.numbers
    if left.value is None or right.value is None or (sign == "/" and right.value == 0):
        return Tree(text, numbers, None)
    a, b = left.value, right.value
    return Tree(
        text, numbers, a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b
    )


trees = st.recursive(
    st.integers(0, 99).map(lambda n: Tree(str(n), [n], Fraction(n))),
    lambda part: st.builds(combine, st.tuples(part, part), st.sampled_from("+-*/")),
    max_leaves=6,
)


@steady
@given(trees)
def test_any_expression_has_exactly_its_value(tree: Tree) -> None:
    status = countdown.verify(problem(sorted(tree.numbers), 10**9), tree.text).status
    assert status is Status.WRONG
    if tree.value is not None and tree.value.denominator == 1:
        value = int(tree.value)
        assert countdown.verify(problem(sorted(tree.numbers), value), tree.text).status is Status.RIGHT
        assert countdown.verify(problem([*tree.numbers, 1], value), tree.text).status is Status.WRONG
        assert countdown.verify(problem(sorted(tree.numbers), value), tree.text + "+0").status is Status.WRONG


@steady
@given(st.text(st.sampled_from("0123456789+-*/() ×÷=.,eE_x\n"), max_size=60) | st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    assert countdown.verify(THIRTEEN, text).status in {Status.WRONG, Status.RIGHT}
