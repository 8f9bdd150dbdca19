"""The metrics of a small batch, every number worked out by hand."""

import math

import pytest

from r1cli.metrics.aha import DEEPSEEK
from r1cli.metrics.rollouts import Rollout, step_metrics
from r1cli.problem import Problem, Status, Verdict
from r1cli.prompts import split

PROBLEM = Problem("p", "q", "13", "number")


def rollout(
    text: str,
    status: Status,
    tokens: int,
    *,
    group: int = 0,
    total: float | None = None,
    truncated: bool = False,
) -> Rollout:
    score = 1.0 if status is Status.RIGHT else 0.0
    completion = split(text, tokens=tokens, truncated=truncated)
    rewards = None if total is None else {"accuracy": score, "format": float(completion.well_formed)}
    return Rollout(PROBLEM, completion, Verdict(status, score, None, "", 0.0), rewards, total, group)


def batch() -> list[Rollout]:
    return [
        rollout("<think>wait , check again</think><answer>13</answer>", Status.RIGHT, 10, total=2.0),
        rollout("<think>but no</think><answer>12</answer> wait", Status.WRONG, 20, total=0.0),
        rollout("<think>aha 等 等</think>", Status.NO_ANSWER, 50, group=1, total=0.0, truncated=True),
        rollout("<answer>7</answer>", Status.WRONG, 10, group=1, total=0.0),
        rollout("<think>3 * 4</think><answer>9</answer>", Status.INFRA_ERROR, 10, group=1),
    ]


def test_a_batch_by_hand() -> None:
    row = step_metrics(batch())
    expected = {
        "reward/accuracy": 1 / 4,
        "reward/format": 1 / 4,  # of the scored ones, only the first is well formed
        "reward/total": 2 / 4,
        "reward/std": math.sqrt(2) / 2,  # groups: stdev(2, 0) = sqrt(2), stdev(0, 0) = 0
        "zero_std_groups": 1 / 2,
        "accuracy": 1 / 4,
        "format": 2 / 5,
        "truncated": 1 / 5,
        "no_answer": 1 / 5,
        "infra_errors": 1 / 5,
        "response_length/mean": 20,
        "response_length/max": 50,
        "response_length/correct": 10,
        "response_length/incorrect": 80 / 3,
        "language/consistency": (1 + 1 + 1 / 3) / 3,  # two have no words
        "aha/deepseek_share": 2 / 5,  # wait, check; but; the "wait" behind an answer is no reasoning
        "aha/deepseek_per_1k": 1000 * 3 / 100,
        "aha/deepseek_share_correct": 1,
        "aha/deepseek_share_incorrect": 1 / 3,
        "aha/strict_share": 1 / 5,
        "aha/strict_per_1k": 1000 * 1 / 100,
        "aha/strict_share_correct": 1,
        "aha/strict_share_incorrect": 0,
        "aha/phrase_share": 1 / 5,
    }
    words = {f"aha/word/{word}": 10.0 if word in {"wait", "check", "but"} else 0.0 for word in DEEPSEEK}
    assert row == pytest.approx(expected | words)


def test_what_is_undefined_is_absent() -> None:
    row = step_metrics([rollout("<think>3</think>", Status.INFRA_ERROR, 0)])
    absent = {"accuracy", "reward/total", "reward/std", "zero_std_groups", "language/consistency"}
    absent |= {"response_length/correct", "response_length/incorrect", "aha/strict_share_correct"}
    absent |= {"aha/deepseek_per_1k", "aha/word/wait"}  # no tokens
    assert not absent & row.keys()
    assert row["infra_errors"] == 1.0
    assert all(math.isfinite(value) for value in row.values())
    assert step_metrics([]) == {}


def test_a_group_with_one_scored_response_has_no_spread_to_speak_of() -> None:
    row = step_metrics([rollout("x", Status.WRONG, 1, group=g, total=0.0) for g in range(3)])
    assert row["reward/total"] == 0.0
    assert "reward/std" not in row and "zero_std_groups" not in row


def test_running_out_of_time_is_judged_and_not_right() -> None:
    row = step_metrics([rollout("x", Status.TIMEOUT, 4), rollout("x", Status.RIGHT, 6)])
    assert row["accuracy"] == 0.5
    assert row["response_length/incorrect"] == 4


def test_learning_the_tags_alone_does_not_raise_the_reflection_rate() -> None:
    untagged = [rollout("wait , no <answer>1</answer>", Status.WRONG, 5), rollout("so 1", Status.WRONG, 5)]
    tagged = [
        rollout("<think>wait , no</think><answer>1</answer>", Status.WRONG, 5),
        rollout("<think>so 1</think><answer>1</answer>", Status.WRONG, 5),
    ]
    before, after = step_metrics(untagged), step_metrics(tagged)
    assert before["aha/deepseek_share"] == after["aha/deepseek_share"] == 0.5
    assert (before["format"], after["format"]) == (0.0, 1.0)


def test_the_names_are_stable() -> None:
    assert sorted(step_metrics(batch())) == sorted(
        [f"aha/word/{word}" for word in DEEPSEEK]
        + [f"aha/{name}_{kind}" for name in ("deepseek", "strict") for kind in ("share", "per_1k")]
        + [f"aha/{name}_share_{kind}" for name in ("deepseek", "strict") for kind in ("correct", "incorrect")]
        + [f"response_length/{kind}" for kind in ("mean", "max", "correct", "incorrect")]
        + [f"reward/{kind}" for kind in ("accuracy", "format", "total", "std")]
        + ["accuracy", "aha/phrase_share", "format", "infra_errors", "language/consistency", "no_answer"]
        + ["truncated", "zero_std_groups"]
    )
