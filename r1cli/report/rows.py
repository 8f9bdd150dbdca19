"""Rows of `metrics.jsonl` as series of numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from r1cli.runs.run import is_eval

Row = Mapping[str, Any]


class Series(NamedTuple):
    """Values of one metric over steps; steps without a value are left out."""

    steps: list[int]
    values: list[float]


class History(NamedTuple):
    """Training rows and evaluation rows, each in order of steps and one per step."""

    train: list[Row]
    evals: list[Row]


def history(rows: Iterable[Row]) -> History:
    """Sort rows into training and evaluation; of several rows for a step the last one written counts."""
    train: dict[int, Row] = {}
    evals: dict[int, Row] = {}
    for row in rows:
        if "step" in row:
            (evals if is_eval(row) else train)[row["step"]] = row
    return History(*([kind[step] for step in sorted(kind)] for kind in (train, evals)))


def number(row: Row, key: str) -> float | None:
    """The metric as a finite number; None when the row lacks it (or it was NaN)."""
    value = row.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def series(rows: Iterable[Row], key: str) -> Series:
    """One metric over the steps."""
    points = [(row["step"], value) for row in rows if (value := number(row, key)) is not None]
    return Series([step for step, _ in points], [value for _, value in points])


def reward_terms(rows: Iterable[Row]) -> list[str]:
    """Names of the reward's terms, in the order they were logged in."""
    keys = dict.fromkeys(key for row in rows for key in row if key.startswith("reward/"))
    return [name for key in keys if (name := key.removeprefix("reward/")) not in ("total", "std")]


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)
