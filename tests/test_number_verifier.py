"""Numeric answers: what is read as which number, and what is refused."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1cli.problem import Problem, Status
from r1cli.prompts import split
from r1cli.verifiers import number, verify

# The same examples on every machine, and no failure because a machine is busy.
steady = settings(derandomize=True, deadline=None)


def judge(answer: str, gold: str = "1234") -> Status:
    return number.verify(Problem("p", "q", gold, "number"), answer).status


@pytest.mark.parametrize(
    "answer",
    [
        "1234",
        "1,234",
        " 1234. ",
        "1234.00",
        "+1234",
        "$1,234",
        "$ 1234.0",
        "\u20ac1234",
        "1234%",
        "1234 dollars",
        "1,234 square feet",
        "1234 miles per hour",
        "1234 km/h",
        "1234 cm2",
        "1234\u00b0",
        "\\boxed{1234}",
        "$\\boxed{1{,}234}$",
        "\\boxed{\\$1,234}",
        "\\boxed{1234\\%}",
        "\\boxed{1234 \\text{ dollars}}.",
        "\\(1234\\)",
        "$1234$",
        "**1234**",
        "**$1,234**",
        "\uff11\uff12\uff13\uff14",  # full width
        "12\u200b34",  # zero-width space
    ],
)
def test_right(answer: str) -> None:
    assert judge(answer) is Status.RIGHT


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "1235",
        "-1234",
        "1234.5",
        "12345",
        "123,4",
        "1,23,4",
        "1.234",
        "1 234",
        "1234 1234",
        "1234 or 1235",
        "1233, 1234",
        "The answer is 1234",
        "x = 1234",
        "= 1234",
        "1233 = 1234",
        "\\boxed{1233=1234}",
        "\\boxed{1234}abc",
        "\\boxed{1} \\boxed{1234}",
        "$1233$ $1234$",
        "617 * 2",
        "\\boxed{2\\cdot 617}",
        "2468/2",  # arithmetic left undone
        "1234/1",
        "1234 thousand",
        "1234 dozen",
        "1234k",
        "1234 not",
        "1234!",
        "1234x",
        "1234e0",
        "1234 +- 1",
        "\u00b11234",
        "1000-1500",
        "{1234}",
        "[1234]",
        "(1234)",
        "0x4d2",
        "1_234",
        "1234\u00b2",
        "\u0661\u0662\u0663\u0664",  # Arabic digits
        "one thousand",
        "nan",
        "inf",
        "--1234",
        "-$-1234",
        "1234" + " a" * 60,
    ],
)
def test_wrong(answer: str) -> None:
    assert judge(answer) is Status.WRONG


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-5", Fraction(-5)),
        ("- 5", Fraction(-5)),
        ("\u22125", Fraction(-5)),
        ("-$5", Fraction(-5)),
        ("$-5", Fraction(-5)),
        ("0.50", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("1/2", Fraction(1, 2)),
        ("-1/2 cup", Fraction(-1, 2)),
        ("\\frac{1}{2}", Fraction(1, 2)),
        ("\\dfrac{3}{4}", Fraction(3, 4)),
        ("2/4", None),
        ("1/0", None),
        ("3 1/2", None),
        ("007", Fraction(7)),
        ("50%", Fraction(50)),
        ("1,000,000", Fraction(10**6)),
        ("10:30", None),
        ("1/2/3", None),
        ("5-6", None),
        ("5 a b c d", None),
    ],
)
def test_values(text: str, value: Fraction | None) -> None:
    assert number.parse(text) == value


def test_the_comparison_is_exact() -> None:
    assert judge("0.333333", "1/3") is Status.WRONG
    assert judge("0.1", "1/10") is Status.RIGHT
    assert judge("9007199254740993", "9007199254740992") is Status.WRONG  # equal as floating point numbers


def test_a_percent_sign_is_a_unit() -> None:
    assert judge("50%", "50") is Status.RIGHT
    assert judge("50", "50%") is Status.RIGHT
    assert judge("0.5", "50%") is Status.WRONG


def test_the_reason_says_both_numbers() -> None:
    assert number.verify(Problem("p", "q", "1,000", "number"), "999.5").reason == "1999/2 is not 1000"
    assert number.verify(Problem("p", "q", "18", "number"), "18").reason == "equals 18"


def test_a_gold_that_is_no_number_is_an_infra_error() -> None:
    problem = Problem("p", "q", "eighteen", "number")
    verdict = verify(problem, split("<answer>18</answer>", tokens=1, truncated=False))
    assert verdict.status is Status.INFRA_ERROR
    assert "'eighteen' is not a number" in verdict.reason


def test_an_answer_in_the_reasoning_only_does_not_count() -> None:
    problem = Problem("p", "q", "42", "number")
    verdict = verify(problem, split("<think>\\boxed{42}</think> I do not know", tokens=1, truncated=False))
    assert verdict.status is Status.NO_ANSWER


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "answer",
    ["9" * 100_000, "1" + "e9" * 40, "1" + " a" * 49, "\\boxed{" * 100_000, "1" + ",111" * 24, "$" * 99],
)
def test_nothing_hangs(answer: str) -> None:
    assert judge(answer) is Status.WRONG


@steady
@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1000))
def test_a_fraction_in_lowest_terms_reads_back(value: Fraction) -> None:
    assert number.parse(str(value)) == value


@steady
@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_decimals_and_separators_read_back(units: int, places: int) -> None:
    value = Fraction(units, 10**places)
    sign, digits = "-" if units < 0 else "", f"{abs(units) // 10**places:,}"
    decimals = f"{abs(units) % 10**places:0{places}d}" if places else ""
    assert number.parse(f"{sign}{digits}.{decimals}" if places else f"{sign}{digits}") == value


@steady
@given(st.text(st.sampled_from("0123456789.,-+/$%{}\\ abdefox*()"), max_size=40) | st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    assert judge(text) in {Status.RIGHT, Status.WRONG}
