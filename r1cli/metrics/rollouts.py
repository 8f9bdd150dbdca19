"""One batch of judged responses -> the metrics of one step, under stable names.

A key is absent when it is undefined (no correct response, no scored one), so no row ever holds a NaN.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from r1cli.metrics import aha, language
from r1cli.problem import Completion, Problem, Status, Verdict
from r1cli.prompts import thoughts

ZERO_STD = 1e-6
"""Rewards of a group that spread less than this teach nothing: their advantages are 0."""


class Rollout(NamedTuple):
    """One completion with all that is known of it."""

    problem: Problem
    completion: Completion
    verdict: Verdict
    rewards: Mapping[str, float] | None
    """Term -> unweighted value; None when the completion could not be judged or was not scored."""
    total: float | None
    """Weighted sum of `rewards`; None with them."""
    group: int
    """Completions of one prompt in one batch share a group."""


def step_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """All metrics of a batch; an empty batch has none. Shares are 0 to 1, lengths are in generated tokens.

    - `reward/<term>`, `reward/total`: means over scored responses; `reward/std`: mean over groups of the
      sample standard deviation of totals, `zero_std_groups`: share of groups without spread (groups with two
      scored responses or more).
    - `accuracy`: right / judged; a response whose judgement failed (`infra_errors`) is not judged, one
      without an answer (`no_answer`) is, and so is one whose judgement ran out of time.
    - `format`, `truncated`, `no_answer`, `infra_errors`: shares of all responses.
    - `response_length/*`, `language/consistency`, `aha/*`: see `r1cli.metrics.language` and
      `r1cli.metrics.aha`; the text looked at is `r1cli.prompts.thoughts`; `…_per_1k` is per 1,000 generated
      tokens.
    """
    if not rollouts:
        return {}
    return {
        **_rewards(rollouts),
        **_outcomes(rollouts),
        **_lengths(rollouts),
        **_language(rollouts),
        **_aha(rollouts),
    }


def _rewards(rollouts: Sequence[Rollout]) -> dict[str, float]:
    terms: dict[str, list[float]] = defaultdict(list)
    groups: dict[int, list[float]] = defaultdict(list)
    for rollout in rollouts:
        for term, value in (rollout.rewards or {}).items():
            terms[term].append(value)
        if rollout.total is not None:
            groups[rollout.group].append(rollout.total)
    row = {f"reward/{term}": statistics.fmean(values) for term, values in terms.items()}
    spreads = [statistics.stdev(totals) for totals in groups.values() if len(totals) > 1]
    if groups:
        row["reward/total"] = statistics.fmean(total for totals in groups.values() for total in totals)
    if spreads:
        row["reward/std"] = statistics.fmean(spreads)
        row["zero_std_groups"] = _share(spread < ZERO_STD for spread in spreads)
    return row


def _outcomes(rollouts: Sequence[Rollout]) -> dict[str, float]:
    judged = [r for r in rollouts if r.verdict.status is not Status.INFRA_ERROR]
    row = {"accuracy": _share(_right(r) for r in judged)} if judged else {}
    return {
        **row,
        "format": _share(r.completion.well_formed for r in rollouts),
        "truncated": _share(r.completion.truncated for r in rollouts),
        "no_answer": _share(r.verdict.status is Status.NO_ANSWER for r in rollouts),
        "infra_errors": 1 - len(judged) / len(rollouts),
    }


def _lengths(rollouts: Sequence[Rollout]) -> dict[str, float]:
    row = {
        "response_length/mean": statistics.fmean(r.completion.tokens for r in rollouts),
        "response_length/max": float(max(r.completion.tokens for r in rollouts)),
    }
    for name, part in _by_outcome(rollouts).items():
        row[f"response_length/{name}"] = statistics.fmean(rollouts[i].completion.tokens for i in part)
    return row


def _language(rollouts: Sequence[Rollout]) -> dict[str, float]:
    shares = [language.consistency(thoughts(r.completion)) for r in rollouts]
    known = [share for share in shares if share is not None]
    return {"language/consistency": statistics.fmean(known)} if known else {}


def _aha(rollouts: Sequence[Rollout]) -> dict[str, float]:
    lists = {"deepseek": aha.DEEPSEEK, "strict": aha.STRICT, "phrase": aha.PHRASE}
    every = [word for words in lists.values() for word in words]
    found = [aha.count(thoughts(r.completion), every) for r in rollouts]
    hits = {name: [sum(counts[w] for w in words) for counts in found] for name, words in lists.items()}
    row = {f"aha/{name}_share": _share(n > 0 for n in numbers) for name, numbers in hits.items()}
    for name in ("deepseek", "strict"):
        for outcome, part in _by_outcome(rollouts).items():
            row[f"aha/{name}_share_{outcome}"] = _share(hits[name][i] > 0 for i in part)
    tokens = sum(r.completion.tokens for r in rollouts)
    if tokens:
        totals = {f"aha/{name}_per_1k": sum(hits[name]) for name in ("deepseek", "strict")}
        totals |= {f"aha/word/{word}": sum(counts[word] for counts in found) for word in aha.DEEPSEEK}
        row |= {key: 1000 * total / tokens for key, total in totals.items()}
    return row


def _by_outcome(rollouts: Sequence[Rollout]) -> dict[str, list[int]]:
    """Positions of the correct and of the incorrect responses; an outcome that does not occur is absent."""
    parts: dict[str, list[int]] = {}
    for index, rollout in enumerate(rollouts):
        if rollout.verdict.status is not Status.INFRA_ERROR:
            parts.setdefault("correct" if _right(rollout) else "incorrect", []).append(index)
    return parts


def _right(rollout: Rollout) -> bool:
    return rollout.verdict.status is Status.RIGHT


def _share(flags: Iterable[bool]) -> float:
    return statistics.fmean(map(float, flags))
