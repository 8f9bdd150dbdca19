"""The versions that grade mathematics rightly.

hydra-core 1.3 pins antlr 4.9, under which math-verify 0.9 cannot parse a percent, says nothing, and compares
strings instead: `\\boxed{4200\\%}` is then not 42. pip's way out of that pin is math-verify 0.3, as silent.
"""

from importlib.metadata import requires, version

import pytest
from packaging.version import Version


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        ("42", r"\boxed{4200\%}", True),  # 4200 / 100 = 42
        ("0.12", r"\boxed{12\%}", True),
        ("42", r"\boxed{4201\%}", False),
        ("42", r"\boxed{42}", True),
        (r"\frac{1}{2}", r"\boxed{50\%}", True),
        ("42", r"\boxed{43}", False),
    ],
)
def test_percents_are_parsed(gold: str, answer: str, equal: bool) -> None:
    from math_verify import parse, verify

    gold_parsed = parse(rf"\boxed{{{gold}}}", parsing_timeout=None)
    answer_parsed = parse(answer, parsing_timeout=None)
    assert verify(gold_parsed, answer_parsed, timeout_seconds=None) is equal


def test_pip_did_not_backtrack_to_an_old_math_verify() -> None:
    assert Version(version("math-verify")) >= Version("0.9")


def test_antlr_is_the_one_that_math_verify_was_asked_for_with() -> None:
    assert version("antlr4-python3-runtime").startswith("4.13.")


def test_hydra_pins_no_antlr() -> None:
    assert not [need for need in requires("hydra-core") or [] if "antlr" in need.lower()]
