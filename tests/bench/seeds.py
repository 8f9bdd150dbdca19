"""The table of docs/results.md: the same training with several seeds, good and bad ones."""

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from r1cli.report.rows import history, number
from r1cli.runs import store
from r1cli.runs.files import read_jsonl
from r1cli.runs.run import Run

from . import child, table
from .table import arrow, percent

SEEDS = (0, 1, 2)

COLUMNS = {
    "seed": "of sampling, problem order and training problems",
    "accuracy": "sampled pass@1 on held-out problems [95% interval], before → after training",
    "n": "held-out completions that were judged, at each of the two evaluations",
    "minutes": "sum of the wall time of the training steps, evaluations not included",
    "length": "mean generated tokens of the held-out completions, before → after",
    "aha": "share of held-out completions with one of DeepSeek's ten words in the reasoning",
    "aha/1k": "those words for each 1,000 generated tokens",
    "strict": "share of held-out completions with a phrase of the strict pool of fifteen",
    "steps": "policy updates",
    "tokens": "tokens read and written in training",
    "GB": "largest resident memory of the whole run (10^9 bytes)",
}
"""Column -> what it is."""

_PAIRS = ("accuracy", "response_length/mean", "aha/deepseek_share", "aha/deepseek_per_1k", "aha/strict_share")


class Result(NamedTuple):
    """What the table shows of one run, or the means over several."""

    seed: str
    before: Mapping[str, float]
    """First evaluation: metric name without `eval/` -> value."""
    after: Mapping[str, float]
    n: float
    minutes: float
    steps: float
    tokens: float
    memory_gb: float


def result(seed: int, rows: Sequence[Mapping[str, Any]], memory_gb: float) -> Result:
    """Read a finished run."""
    train, evals = history(rows)
    last = train[-1]
    return Result(
        seed=str(seed),
        before=_evaluation(evals[0]),
        after=_evaluation(evals[-1]),
        n=evals[-1]["eval/n"],
        minutes=sum(row["time/total"] for row in train) / 60,
        steps=len(train),
        tokens=last["tokens/prompt"] + last["tokens/completion"],
        memory_gb=memory_gb,
    )


def _evaluation(row: Mapping[str, Any]) -> dict[str, float]:
    known = {name: number(row, f"eval/{name}") for name in (*_PAIRS, "ci_low", "ci_high")}
    return {name: value for name, value in known.items() if value is not None}


def mean(results: Sequence[Result]) -> Result:
    """Means over the seeds, without intervals."""

    def of(evaluations: Sequence[Mapping[str, float]]) -> dict[str, float]:
        shared = [name for name in _PAIRS if all(name in e for e in evaluations)]
        return {name: statistics.fmean(e[name] for e in evaluations) for name in shared}

    numbers = [statistics.fmean(values) for values in zip(*(r[3:] for r in results), strict=True)]
    return Result("mean", of([r.before for r in results]), of([r.after for r in results]), *numbers)


def cells(r: Result) -> list[table.Cell]:
    """One line of the table."""

    def shares(name: str) -> str:
        return arrow(percent(r.before.get(name)), percent(r.after.get(name)))

    def plain(name: str) -> str:
        return arrow(*(None if name not in e else f"{e[name]:.1f}" for e in (r.before, r.after)))

    accuracy = arrow(_accuracy(r.before), _accuracy(r.after))
    return [
        r.seed, accuracy, f"{r.n:.0f}", f"{r.minutes:.1f}", plain("response_length/mean"),
        shares("aha/deepseek_share"), plain("aha/deepseek_per_1k"), shares("aha/strict_share"),
        f"{r.steps:.0f}", f"{r.tokens:,.0f}", f"{r.memory_gb:.2f}",
    ]  # fmt: skip


def _accuracy(evaluation: Mapping[str, float]) -> str | None:
    text = percent(evaluation.get("accuracy"))
    if "ci_low" not in evaluation or "ci_high" not in evaluation:
        return text
    return f"{text} [{100 * evaluation['ci_low']:.1f}, {100 * evaluation['ci_high']:.1f}]"


def markdown(results: Sequence[Result]) -> str:
    """The table with a line for the mean, and what its columns are."""
    shown = [*results, mean(results)] if len(results) > 1 else results
    legend = "\n".join(f"- **{name}**: {meaning}." for name, meaning in COLUMNS.items())
    return f"{table.markdown(list(COLUMNS), [cells(r) for r in shown])}\n\n{legend}"


def finished(runs_dir: Path, names: Sequence[str]) -> str:
    """The table of runs that are there already."""
    return markdown([_read(store.find(runs_dir, name)) for name in names])


def train(words: Sequence[str], keep: Path | None) -> str:
    """Train with each seed, one after another; the runs stay in `keep`."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = keep or Path(temporary)
        for seed in SEEDS:
            child.run([*child.R1, "train", "zero", *words, f"seed={seed}", f"run_id=seed-{seed}"], runs=runs)
        return finished(runs, [f"seed-{seed}" for seed in SEEDS])


def _read(run: Run) -> Result:
    manifest = run.manifest()
    if run.status() != "done":
        raise SystemExit(f"run {run.id} is not done but {run.status()}: it has no place in the table.")
    return result(manifest.seed, read_jsonl(run.metrics), manifest.result["peak_memory_gb"])
