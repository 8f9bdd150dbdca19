"""Markdown tables, and the words under which a number may stand: command, machine, versions."""

import importlib.metadata
import os
from collections.abc import Sequence

from r1cli.runs import provenance

Cell = str | float | int | None


def markdown(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table with text on the left and numbers on the right; None becomes a dash."""
    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(head))]
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join(
        "| " + " | ".join(line) + " |" for line in (head, rule, *([text(c) for c in r] for r in rows))
    )


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, int | float)


def text(cell: Cell) -> str:
    """Three significant digits, thousands separated: 0.0123, 4.57, 128, 22,784."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:#.3g}".rstrip(".")


def percent(share: float | None, digits: int = 1) -> str | None:
    """0.4523 -> `45.2%`."""
    return None if share is None else f"{100 * share:.{digits}f}%"


def arrow(before: str | None, after: str | None) -> str:
    """`before → after`."""
    return f"{before or '-'} → {after or '-'}"


def setting(command: Sequence[str]) -> str:
    """With what the tables below it were measured."""
    here = provenance.machine()
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "trl")
    )
    load = os.getloadavg()[0]
    return (
        f"`{' '.join(command)}`: {here.cpu}, {here.cores} cores, {here.memory_gb:.0f} GB; {versions}; "
        f"load of the machine at the start {load:.1f}"
    )
