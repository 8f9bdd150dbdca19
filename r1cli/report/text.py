"""Numbers as people read them, and text that cannot upset a terminal."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def percent(share: float) -> str:
    """`0.4532` -> `45.3%`."""
    return f"{100 * share:.1f}%"


def duration(seconds: float) -> str:
    """`42 s`, `7 min 12 s`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(whole / 3600)
    return f"{hours // 24} d {hours % 24} h"


def clock(seconds: float) -> str:
    """`0:42`, `7:12`, `3:05:00`: short, for a table."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(number: float) -> str:
    """`850`, `12.3 k`, `1.24 M`, `3.10 G`: three digits that matter."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= 0.9995 * size:
            scaled = number / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{unit}"
    return f"{number:.0f}"


def dollars(usd: float) -> str:
    """Cents until it is many dollars; what is below a cent is not shown as nothing."""
    if 0 < usd < 0.01:
        return "< $0.01"
    return f"${usd:,.2f}" if usd < 1000 else f"${usd:,.0f}"


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of `values` in at most `width` characters, from their lowest to their highest."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    cells = min(width, len(finite))
    edges = [len(finite) * cell // cells for cell in range(cells + 1)]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    if high == low:
        return BARS[0] * cells
    return "".join(BARS[min(7, int(8 * (value - low) / (high - low)))] for value in means)


def plain(text: str) -> str:
    """Text without terminal control sequences: a model may have written it."""
    return CONTROL.sub("", text)
