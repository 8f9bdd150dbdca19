"""How long the commands take that train nothing."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import child, table

TIMES = 7


def commands(words: Sequence[str]) -> list[list[str]]:
    """The commands a user waits for."""
    zero = ["train", "zero", *words]
    return [["--help"], ["--version"], ["runs"], [*zero, "--cfg"], [*zero, "--dry-run"]]


def measure(words: Sequence[str], rounds: int) -> str:
    """The middle one of seven wall times of each, in an empty folder of runs; `rounds` changes nothing."""
    with tempfile.TemporaryDirectory() as runs:
        rows: list[list[table.Cell]] = []
        for command in commands(words):
            seconds = [child.run([*child.R1, *command], runs=Path(runs)).seconds for _ in range(TIMES)]
            named = [word for word in command if "=" not in word]
            rows.append([f"`r1 {' '.join(named)}`", statistics.median(seconds), min(seconds), max(seconds)])
    return table.markdown(("command", "median s", "least s", "most s"), rows)
