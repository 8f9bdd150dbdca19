"""What is it worth? Reward terms over a completion and its verdict; the total is their weighted sum.

No term looks at the length of a response or at reflection words: those are measured, never paid for.
"""

import math
from collections.abc import Callable, Iterable, Mapping

from r1cli.config.schema import RewardTerm
from r1cli.errors import unknown
from r1cli.metrics import language as languages
from r1cli.problem import Completion, Problem, Status, Verdict
from r1cli.prompts import tags_once

Reward = Callable[[Problem, Completion, Verdict], float]
"""(problem, completion, verdict) -> value, by custom 0 to 1. It is not asked about an `infra_error`."""


class RewardError(Exception):
    """A reward term raised, or gave no finite number; one line names the term and the problem."""


def accuracy(problem: Problem, completion: Completion, verdict: Verdict) -> float:
    """The verdict's score: 1 for right, else 0 (DeepSeek-R1 section 2.2.2)."""
    return verdict.score


def formatting(problem: Problem, completion: Completion, verdict: Verdict) -> float:
    """1 for one reasoning and one answer, each in its tags, and nothing else (DeepSeek-R1 section 2.2.2)."""
    return float(completion.well_formed)


def tag_count(problem: Problem, completion: Completion, verdict: Verdict) -> float:
    """Share of the four tags that occur exactly once: a slope for models that never get all four right."""
    return tags_once(completion.text)


def language(problem: Problem, completion: Completion, verdict: Verdict) -> float:
    """Share of the reasoning's words in English script (DeepSeek-R1 eq. 7); 0 if it has no words."""
    return languages.consistency(completion.reasoning or "") or 0.0


REWARDS: dict[str, Reward] = {
    "accuracy": accuracy,
    "format": formatting,
    "tag_count": tag_count,
    "language": language,
}


def check(names: Iterable[str]) -> None:
    """A `UserError` for the first name that is no reward."""
    for name in names:
        if name not in REWARDS:
            raise unknown("reward", name, REWARDS, "Each is set as reward.NAME.weight=NUMBER.")


def score(
    terms: Mapping[str, RewardTerm], problem: Problem, completion: Completion, verdict: Verdict
) -> dict[str, float] | None:
    """Each term's value before weighting; None for a completion that could not be judged.

    None stands for all terms at once: TRL leaves a completion out of the baseline only when every reward is
    None. A term that raises, or gives no finite number, is a `RewardError`.
    """
    if verdict.status is Status.INFRA_ERROR:
        return None
    return {name: _value(name, problem, completion, verdict) for name in terms}


def total(terms: Mapping[str, RewardTerm], values: Mapping[str, float]) -> float:
    """The weighted sum that the policy is trained on."""
    return math.fsum(terms[name].weight * value for name, value in values.items())


def _value(name: str, problem: Problem, completion: Completion, verdict: Verdict) -> float:
    try:
        value = float(REWARDS[name](problem, completion, verdict))
    except Exception as error:  # a term may be anyone's code
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise RewardError(f"reward `{name}` on problem `{problem.id}`: {text}") from error
    if not math.isfinite(value):
        raise RewardError(f"reward `{name}` on problem `{problem.id}`: {value} is not a finite number")
    return value
