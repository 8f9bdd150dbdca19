"""Why the reward is flat: each cause alone, and silence when it rises."""

from typing import Any

import pytest
from toy_runs import rising, train_row

from r1cli.report.diagnose import diagnose, is_flat
from r1cli.report.rows import history


def flat(**metrics: Any) -> list[dict[str, Any]]:
    """Twelve steps at the same accuracy of 0.2, with some metrics changed."""
    return [train_row(step, 0.2) | metrics for step in range(1, 13)]


def test_a_rising_reward_needs_no_reason() -> None:
    assert diagnose(history(rising()).train) == []
    assert diagnose([{**row, "truncated": 0.95} for row in history(rising()).train]) == []


@pytest.mark.parametrize(
    ("code", "metrics", "words"),
    [
        ("truncated", {"truncated": 0.97}, "97.0% of the completions hit the token limit"),
        ("no_answer", {"no_answer": 1.0}, "no answer was found in 100.0%"),
        ("no_variance", {"zero_std_groups": 0.85}, "in 85.0% of the groups"),
        ("form_only", {"format": 0.98, "accuracy": 0.0}, "the format is right in 98.0%, the answer in 0.0%"),
        ("no_gradient", {"grad_norm": 0.0}, "the gradient is zero"),
        ("not_finite", {"grad_norm": None}, "not a finite number in 6 steps, first seen at step 7"),
        ("collapsed", {"entropy": 0.004}, "entropy 0.004"),
        ("solved", {"accuracy": 0.99}, "99.0% right"),
        ("solved", {"accuracy": 0.99, "zero_std_groups": 0.9}, "as 99.0% are right"),
        ("unknown", {}, "none of the known causes"),
    ],
)
def test_each_cause(code: str, metrics: dict[str, Any], words: str) -> None:
    findings = diagnose(flat(**metrics))
    assert [finding.code for finding in findings] == [code]
    assert words in findings[0].message
    assert findings[0].hint.endswith(".")


def test_cut_off_completions_explain_the_missing_answers() -> None:
    assert [finding.code for finding in diagnose(flat(truncated=1.0, no_answer=1.0))] == ["truncated"]


def test_several_causes_the_basic_one_first() -> None:
    codes = [
        f.code for f in diagnose(flat(infra_errors=0.5, no_answer=1.0, zero_std_groups=1.0, grad_norm=0.0))
    ]
    assert codes == ["infra_errors", "no_answer", "no_gradient", "no_variance"]


def test_verifier_errors_are_told_even_when_it_rises() -> None:
    rows = [{**row, "infra_errors": 0.05} for row in history(rising()).train]
    assert [finding.code for finding in diagnose(rows)] == ["infra_errors"]
    assert [finding.code for finding in diagnose(rows[:1])] == ["infra_errors"]


def test_the_later_half_counts() -> None:
    rows = flat()
    for row in rows[:6]:
        row["truncated"] = 1.0  # mended since
    assert [finding.code for finding in diagnose(rows)] == ["unknown"]


def test_too_few_rows_say_nothing() -> None:
    assert diagnose([]) == []
    assert diagnose(flat(no_answer=1.0)[:3]) == []
    assert diagnose([{"step": step, "loss": 1.0} for step in range(9)]) == []  # a stage without reward


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([0.5] * 8, True),
        ([0.0, 0.1, 0.2, 0.3], False),  # rise 0.3; s = sqrt(0.01 / 2) = 0.071; 2 s sqrt(2) = 0.2
        ([0.5, 0.4, 0.3, 0.2], True),  # it falls
        ([0.0, 0.9, 0.0, 0.9, 0.1, 0.9, 0.0, 0.9], True),  # noise only
        ([0.0, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007], True),  # a rise of 0.006
        ([0.2, 0.3, 0.2, 0.3, 0.7, 0.8, 0.7, 0.8], False),  # rise 0.5; s = 0.13, 2 s = 0.26
        ([0.1, 0.9], False),  # too few to call it flat
    ],
)
def test_flat_is_what_chance_explains(rewards: list[float], expected: bool) -> None:
    assert is_flat(rewards) is expected
