"""Seconds and memory of a training step: r1 by itself, beside plain TRL, and with 1 and 2 threads."""

import json
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from r1cli.report.rows import history
from r1cli.runs.files import read_jsonl

from . import child, table

# What costs time but is no training step: little of it, at the ends.
NO_EXTRAS = ("stage.eval.problems=8", "stage.eval.every=0", "stage.save_every=0")


class Step(NamedTuple):
    """One training step."""

    seconds: float
    """From the end of the step before to its own end: generation, update, and all that r1 adds."""
    generate: float
    """Seconds inside generation."""
    tokens: float
    """Generated tokens."""
    reward: float
    """Mean total reward."""


class Measured(NamedTuple):
    """A child's steps after the first, which warms up and has no step before it."""

    steps: list[Step]
    own: float | None
    """Share of rewards, metrics and logging in r1's steps; None for plain TRL."""
    memory_gb: float


def from_rows(rows: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The steps after the first of a run's `metrics.jsonl`; `time` there is the end of each."""
    train = history(rows).train
    return [
        Step(
            row["time"] - before["time"],
            row["time/generate"],
            row["tokens/completion"] - before["tokens/completion"],
            row["reward/total"],
        )
        for before, row in pairwise(train)
    ]


def own_share(rows: Sequence[Mapping[str, Any]]) -> float:
    """Rewards, metrics and logging as a share of all steps.

    `time/record` of a row is what writing the row before it took, after that one's `time/total` was read:
    it is counted on both sides of the fraction.
    """
    train = history(rows).train
    record, reward, total = (
        math.fsum(row[f"time/{name}"] for row in train) for name in ("record", "reward", "total")
    )
    return (reward + record) / (total + record)


def r1(words: Sequence[str], threads: int | None = None) -> Measured:
    """Run `r1 train zero` in a child, in a directory that is removed again."""
    with tempfile.TemporaryDirectory() as runs:
        cores = [] if threads is None else [f"launcher.threads={threads}"]
        command = [*child.R1, "train", "zero", *NO_EXTRAS, *cores, *words, "run_id=bench"]
        ran = child.run(command, runs=Path(runs))
        rows = read_jsonl(Path(runs) / "bench" / "metrics.jsonl")
        said = json.loads((Path(runs) / "bench" / "manifest.json").read_text())["result"]["peak_memory_gb"]
    return Measured(from_rows(rows), own_share(rows), max(ran.memory_gb, said))


def plain(words: Sequence[str], threads: int | None = None) -> Measured:
    """Run the plain TRL script in a child."""
    ran = child.run([sys.executable, "-m", "tests.bench.plain_trl", *NO_EXTRAS, *words], threads=threads)
    steps = [Step(*json.loads(line)) for line in ran.output.splitlines() if line.startswith("[")]
    return Measured(steps[1:], None, ran.memory_gb)


HEAD = (
    "what", "steps", "s/step", "generation", "rest", "tokens/step", "ms per 1k tokens", "r1's own share",
    "mean reward", "peak GB",
)  # fmt: skip


def row(name: str, runs: Sequence[Measured]) -> list[table.Cell]:
    """One line of the table: means over the steps of all runs, the largest memory."""
    steps = [step for run in runs for step in run.steps]
    if not steps:
        raise SystemExit("at least 2 steps are needed: the first one only warms up.")
    seconds, generate, tokens, reward = (statistics.fmean(values) for values in zip(*steps, strict=True))
    shares = [run.own for run in runs if run.own is not None]
    own = table.percent(statistics.fmean(shares), 2) if shares else None
    memory = max(run.memory_gb for run in runs)
    per_1k = 1e6 * seconds / tokens
    return [name, len(steps), seconds, generate, seconds - generate, tokens, per_1k, own, reward, memory]


def alone(words: Sequence[str], rounds: int) -> str:
    """r1's own step."""
    return table.markdown(HEAD, [row("r1 train zero", [r1(words) for _ in range(rounds)])])


def beside_trl(words: Sequence[str], rounds: int) -> str:
    """R1 and the plain script in turns, with one thread each, so that a busy machine slows both alike."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(r1(words, threads=1))
        theirs.append(plain(words, threads=1))
    return table.markdown(HEAD, [row("r1 train zero", ours), row("plain TRL script", theirs)])


def threads(words: Sequence[str], rounds: int) -> str:
    """The same steps with launcher.threads=1 and 2, in turns."""
    found: dict[int, list[Measured]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, runs in found.items():
            runs.append(r1(words, threads=count))
    return table.markdown(HEAD, [row(f"{n} thread" + "s" * (n > 1), runs) for n, runs in found.items()])
