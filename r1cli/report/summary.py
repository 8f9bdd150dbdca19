"""What a run came to: accuracy, length and reflection before and after, and what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from r1cli.report.diagnose import Finding, diagnose
from r1cli.report.rows import Row, history, number, reward_terms, series
from r1cli.report.text import percent
from r1cli.runs.files import read_jsonl
from r1cli.runs.manifest import Manifest, now
from r1cli.runs.run import Run


class Accuracy(NamedTuple):
    """Sampled pass@1 on the held-out problems with its 95% interval, as shares."""

    step: int
    mean: float
    low: float | None
    high: float | None
    samples: int | None

    def __str__(self) -> str:
        """`45.2% [39.1, 51.4]`."""
        if self.low is None or self.high is None:
            return percent(self.mean)
        return f"{percent(self.mean)} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class Change(NamedTuple):
    """A metric at the first and at the last evaluation; None where it was not measured."""

    before: float | None
    after: float | None


MEASURES = {
    "length": "response_length/mean",
    "aha_deepseek": "aha/deepseek_share",
    "aha_strict": "aha/strict_share",
    "format": "format",
    "truncated": "truncated",
}
"""Name in the summary -> metric that the evaluation rows carry under `eval/`."""


@dataclass(frozen=True)
class Summary:
    """What `metrics.jsonl` and the manifest say about a run."""

    steps: int
    """Updates done."""
    before: Accuracy | None
    """The first evaluation: of the base model, when it was at step 0."""
    after: Accuracy | None
    """The last evaluation, when there is more than one."""
    loss: Change
    """First and last training loss of a stage without reward; that of GRPO is near 0 and says nothing."""
    changes: Mapping[str, Change]
    """Key of `MEASURES` -> its change over the evaluations."""
    seconds: float
    """Wall time of the run so far."""
    shares: Mapping[str, float]
    """`generate`, `reward`, `update` -> share of the time of all steps."""
    tokens: float | None
    """Tokens read and written in training."""
    cost: Mapping[str, float]
    """`usd`, `device_seconds`."""
    findings: Sequence[Finding]
    """Why the reward is flat; empty when it rose."""

    def result(self) -> dict[str, float]:
        """Flat numbers for the manifest, e.g. `accuracy_before`; what is unknown is left out."""
        numbers: dict[str, float | None] = {
            "steps": float(self.steps),
            "tokens": self.tokens,
            "loss_before": self.loss.before,
            "loss_after": self.loss.after,
        }
        for when, accuracy in (("before", self.before), ("after", self.after)):
            if accuracy is not None:
                numbers[f"accuracy_{when}"] = accuracy.mean
                numbers[f"accuracy_{when}_low"] = accuracy.low
                numbers[f"accuracy_{when}_high"] = accuracy.high
        for name, change in self.changes.items():
            numbers[f"{name}_before"], numbers[f"{name}_after"] = change
        return {name: value for name, value in numbers.items() if value is not None}

    def verdict(self) -> str:
        """Up or down only when the intervals lie apart: on the safe side, as the problems are the same."""
        if self.before is None:
            return "no held-out evaluation"
        if self.after is None:
            return "evaluated once: no comparison yet"
        low, high = self.after.low, self.after.high
        if low is not None and self.before.high is not None and low > self.before.high:
            return f"up by {100 * (self.after.mean - self.before.mean):.1f} points"
        if high is not None and self.before.low is not None and high < self.before.low:
            return f"down by {100 * (self.before.mean - self.after.mean):.1f} points"
        return "no clear change: the intervals overlap"


def summarize(run: Run) -> Summary:
    """Read a run directory, finished or not."""
    return summary(run.manifest(), read_jsonl(run.metrics))


def summary(manifest: Manifest, rows: Sequence[Row]) -> Summary:
    """The summary of a run with these rows of `metrics.jsonl`."""
    train, evals = history(rows)
    last = train[-1] if train else {}
    return Summary(
        steps=last["step"] if last else 0,
        before=_accuracy(evals[0]) if evals else None,
        after=_accuracy(evals[-1]) if len(evals) > 1 else None,
        loss=Change(None, None) if reward_terms(train) else _loss(train),
        changes={name: _change(evals, key) for name, key in MEASURES.items()},
        seconds=_seconds(manifest, rows),
        shares=_shares(train),
        tokens=_tokens(last),
        cost=_cost(last) or dict(manifest.cost),
        findings=diagnose(train),
    )


def _accuracy(row: Row) -> Accuracy | None:
    mean, samples = number(row, "eval/accuracy"), number(row, "eval/n")
    if mean is None:
        return None
    low, high = number(row, "eval/ci_low"), number(row, "eval/ci_high")
    return Accuracy(row["step"], mean, low, high, None if samples is None else int(samples))


def _loss(train: Sequence[Row]) -> Change:
    values = series(train, "loss").values
    return Change(values[0], values[-1]) if values else Change(None, None)


def _change(evals: Sequence[Row], key: str) -> Change:
    before = number(evals[0], f"eval/{key}") if evals else None
    return Change(before, number(evals[-1], f"eval/{key}") if len(evals) > 1 else None)


def _seconds(manifest: Manifest, rows: Sequence[Row]) -> float:
    """Of a run that is under way: the attempts before, or since its creation in the first attempt."""
    if manifest.status != "running":
        return manifest.seconds
    if manifest.attempts == 1 and (times := series(rows, "time").values):
        return max(0.0, times[-1] - manifest.created.timestamp())
    return manifest.seconds if manifest.attempts > 1 else (now() - manifest.created).total_seconds()


def _shares(train: Sequence[Row]) -> dict[str, float]:
    total = sum(series(train, "time/total").values)
    parts = {name: sum(series(train, f"time/{name}").values) for name in ("generate", "reward", "update")}
    return {name: seconds / total for name, seconds in parts.items() if seconds} if total > 0 else {}


def _tokens(row: Row) -> float | None:
    parts = [number(row, f"tokens/{kind}") for kind in ("prompt", "completion")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _cost(row: Row) -> dict[str, float]:
    known = {name: number(row, f"cost/{name}") for name in ("usd", "device_seconds")}
    return {name: value for name, value in known.items() if value is not None}
