"""Why the reward stayed flat: the known causes, checked against the training rows. Pure."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from r1cli.report.rows import Row, mean, number, series
from r1cli.report.text import percent

FEW = 4
"""With fewer rows than this nothing can be said."""
SOLVED = 0.95
"""Accuracy from which on there is nothing left to learn."""


class Finding(NamedTuple):
    """One cause, with its number and what to do about it."""

    code: str
    """Stable name, e.g. `truncated`."""
    message: str
    hint: str


class Cause(NamedTuple):
    """A metric whose mean over the second half of the run shows a cause."""

    code: str
    key: str
    shows: Callable[[float], bool]
    message: Callable[[float], str]
    hint: str


CAUSES = (
    Cause(
        "truncated", "truncated", lambda share: share >= 0.9,
        lambda share: f"{percent(share)} of the completions hit the token limit before an answer",
        "Raise stage.max_completion_tokens, or check that the model ever writes its stop token.",
    ),
    Cause(
        "no_answer", "no_answer", lambda share: share >= 0.9,
        lambda share: f"no answer was found in {percent(share)} of the completions",
        "Read samples.jsonl: does the model know the tags? Try another model.template or stage.temperature.",
    ),
    Cause(
        "no_gradient", "grad_norm", lambda norm: norm == 0.0,
        lambda _: "the gradient is zero: the weights did not move",
        "See whether groups differ in reward, and whether any weight is trained (model.lora).",
    ),
    Cause(
        "collapsed", "entropy", lambda nats: nats < 0.02,
        lambda nats: f"the policy writes almost always the same (entropy {nats:.3f})",
        "Lower stage.learning_rate, or raise stage.temperature or stage.kl_weight.",
    ),
)  # fmt: skip
"""Causes that one metric shows; thresholds are shares of the completions, or nats per token."""


def diagnose(rows: Sequence[Row]) -> list[Finding]:
    """What keeps the reward from rising, the most basic cause first; empty when it rises.

    Verifier errors are reported in any case, as they silently shrink what the other numbers rest on.

    Args:
        rows: training rows of `metrics.jsonl` in order of steps.
    """
    found = _verifier_errors(rows)
    if len(rows) < FEW or not is_flat(series(rows, "reward/total").values):
        return found
    late = rows[len(rows) // 2 :]
    found += _not_finite(late)
    found += _single_causes(late)
    found += _same_rewards(late)
    found += _form_only(late)
    return found or [_unknown_cause(rows)]


def is_flat(rewards: Sequence[float]) -> bool:
    """Whether the last quarter's mean is above the first quarter's by no more than chance.

    Chance: two standard errors of the difference of two means of k values, 2 * s * sqrt(2 / k). The noise s
    is from successive differences d, which a trend hardly touches: s^2 = mean(d^2) / 2 (von Neumann 1941).
    A rise under 0.01 counts as flat too.
    """
    if len(rewards) < FEW:
        return False
    quarter = max(1, len(rewards) // 4)
    rise = mean(rewards[-quarter:]) - mean(rewards[:quarter])
    noise = math.sqrt(mean([(after - before) ** 2 for before, after in pairwise(rewards)]) / 2)
    return rise <= max(0.01, 2 * noise * math.sqrt(2 / quarter))


def _mean_of(rows: Sequence[Row], key: str) -> float | None:
    values = series(rows, key).values
    return mean(values) if values else None


def _verifier_errors(rows: Sequence[Row]) -> list[Finding]:
    share = _mean_of(rows, "infra_errors")
    if share is None or share < 0.01:
        return []
    message = f"the verifier failed on {percent(share)} of the completions; they are left out of all numbers"
    return [Finding("infra_errors", message, "samples.jsonl gives the reason of each (verdict infra_error).")]


def _not_finite(rows: Sequence[Row]) -> list[Finding]:
    """NaN and infinity are written as null: the key is there and the number is not."""
    ruined = [row["step"] for row in rows if "grad_norm" in row and number(row, "grad_norm") is None]
    if not ruined:
        return []
    message = f"the gradient is not a finite number in {len(ruined)} steps, first seen at step {ruined[0]}"
    return [Finding("not_finite", message, "Lower stage.learning_rate, or use model.dtype=float32.")]


def _single_causes(rows: Sequence[Row]) -> list[Finding]:
    means = [(cause, _mean_of(rows, cause.key)) for cause in CAUSES]
    found = [
        Finding(cause.code, cause.message(value), cause.hint)
        for cause, value in means
        if value is not None and cause.shows(value)
    ]
    # A completion that is cut off has no answer either: say the cause, not its consequence.
    cut = any(finding.code == "truncated" for finding in found)
    return [finding for finding in found if not (cut and finding.code == "no_answer")]


def _same_rewards(rows: Sequence[Row]) -> list[Finding]:
    """Groups whose completions all get the same reward have no advantage, so they teach nothing."""
    share, accuracy = _mean_of(rows, "zero_std_groups"), _mean_of(rows, "accuracy")
    if share is None or share < 0.8:
        return []
    message = f"in {percent(share)} of the groups all completions got the same reward: nothing to learn from"
    if accuracy is not None and accuracy >= SOLVED:
        return [Finding("solved", f"{message}, as {percent(accuracy)} are right", "Use harder problems.")]
    hint = "Use problems nearer to what it can do, a larger stage.group_size, a higher stage.temperature."
    return [Finding("no_variance", message, hint)]


def _form_only(rows: Sequence[Row]) -> list[Finding]:
    form, accuracy = _mean_of(rows, "format"), _mean_of(rows, "accuracy")
    if form is None or accuracy is None or form < 0.9 or accuracy > 0.02:
        return []
    message = f"the format is right in {percent(form)}, the answer in {percent(accuracy)}: mere form"
    return [Finding("form_only", message, "Use easier problems or a better base; check the gold answers.")]


def _unknown_cause(rows: Sequence[Row]) -> Finding:
    accuracy = number(rows[-1], "accuracy")
    if accuracy is not None and accuracy >= SOLVED:
        return Finding("solved", f"the task is solved ({percent(accuracy)} right)", "Use harder problems.")
    return Finding(
        "unknown",
        "none of the known causes: answers are found, groups differ in reward, the weights move",
        "Give it more steps, more prompts per step, or another stage.learning_rate; read samples.jsonl.",
    )
