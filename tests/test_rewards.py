"""Reward terms, by hand; nothing pays for length or for reflection."""

import pytest

from r1cli import rewards
from r1cli.config.schema import RewardTerm
from r1cli.errors import UserError
from r1cli.problem import Completion, Problem, Status, Verdict
from r1cli.prompts import split
from r1cli.rewards import REWARDS, RewardError, check, score, total

PROBLEM = Problem("toy:1", "q", "13", "number")
GOOD = "<think> wait , no </think> <answer> 13 </answer>"
TERMS = {"accuracy": RewardTerm(weight=1.0), "format": RewardTerm(weight=0.5)}


def completion(text: str = GOOD) -> Completion:
    return split(text, tokens=5, truncated=False)


def verdict(status: Status = Status.RIGHT, value: float = 1.0) -> Verdict:
    return Verdict(status, value, "13", "", 0.0)


def value(name: str, text: str) -> float:
    return REWARDS[name](PROBLEM, completion(text), verdict())


def test_terms_and_their_weighted_sum() -> None:
    values = score(TERMS, PROBLEM, completion(), verdict())
    assert values == {"accuracy": 1.0, "format": 1.0}
    assert total(TERMS, values) == 1.5


@pytest.mark.parametrize("status", [Status.WRONG, Status.NO_ANSWER, Status.TIMEOUT])
def test_what_is_not_right_scores_the_format_only(status: Status) -> None:
    values = score(TERMS, PROBLEM, completion(), verdict(status, 0.0))
    assert values == {"accuracy": 0.0, "format": 1.0}


def test_what_could_not_be_judged_has_no_reward_at_all() -> None:
    assert score(TERMS, PROBLEM, completion(), verdict(Status.INFRA_ERROR, 0.0)) is None


def test_partial_credit_passes_through() -> None:
    values = score(TERMS, PROBLEM, completion(), verdict(Status.WRONG, 0.25))
    assert values is not None and values["accuracy"] == 0.25


def test_format_and_tags() -> None:
    assert value("format", GOOD) == 1.0
    assert value("format", GOOD + " bye") == 0.0
    assert value("tag_count", GOOD + " bye") == 1.0
    assert value("tag_count", "<think> a </think>") == 0.5


def test_language() -> None:
    assert value("language", "<think> wait 等 </think>") == 0.5
    assert value("language", "<think> 3 * 4 = 12 </think>") == 0.0  # no words must not pay
    assert value("language", "<think></think>") == 0.0
    assert value("language", "many words <answer> 13 </answer>") == 0.0


def test_length_and_reflection_pay_nothing() -> None:
    short = "<think> no </think> <answer> 13 </answer>"
    long = "<think> " + "wait , check again . " * 50 + "</think> <answer> 13 </answer>"
    for name in REWARDS:
        assert value(name, short) == value(name, long)


def test_an_unknown_reward_names_the_nearest() -> None:
    check(["accuracy", "format"])
    with pytest.raises(UserError, match=r"unknown reward `acuracy`\. Did you mean `accuracy`"):
        check(["format", "acuracy"])


def test_a_reward_that_fails_says_which_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        return float(problem.meta["absent"])

    def endless(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        return float("inf")

    monkeypatch.setitem(rewards.REWARDS, "broken", broken)

    def talkative(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        raise ValueError("first\n\nsecond " + "x" * 999)

    monkeypatch.setitem(rewards.REWARDS, "endless", endless)
    monkeypatch.setitem(rewards.REWARDS, "talkative", talkative)
    with pytest.raises(RewardError, match="reward `broken` on problem `toy:1`: KeyError: 'absent'"):
        score({"broken": RewardTerm(weight=1.0)}, PROBLEM, completion(), verdict())
    with pytest.raises(RewardError, match="reward `endless` on problem `toy:1`: inf is not a finite number"):
        score({"endless": RewardTerm(weight=1.0)}, PROBLEM, completion(), verdict())
    with pytest.raises(RewardError, match="`toy:1`: ValueError: first second x") as raised:
        score({"talkative": RewardTerm(weight=1.0)}, PROBLEM, completion(), verdict())
    assert len(str(raised.value)) < 400, "one line, and not a long one"
