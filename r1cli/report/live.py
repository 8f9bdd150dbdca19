"""The course of a training in the terminal: a live table, or one plain line per step when nobody watches."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from r1cli.report.rows import Row, history, mean, number, reward_terms
from r1cli.report.text import clock, count, percent, sparkline
from r1cli.runs.run import is_eval

VISIBLE = 12
"""Steps shown at once in the live table."""
PACE = 20
"""Steps whose mean time the remaining time is estimated from; evaluations between them count."""


class Column(NamedTuple):
    """One number of a step, shown when the rows have it."""

    title: str
    key: str
    form: Callable[[float], str]
    style: str = ""


def _plain_number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 0.01 else f"{value:.2f}"


def _tokens(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


FIRST = (
    Column("accuracy", "accuracy", percent, "bold green"),
    Column("reward", "reward/total", _plain_number),
)
LAST = (
    Column("length", "response_length/mean", _tokens, "cyan"),
    Column("aha", "aha/deepseek_share", percent, "magenta"),
    Column("entropy", "entropy", _plain_number),
    Column("loss", "loss", _plain_number),
    Column("tok/s", "tokens_per_second", count),
)
DETAILS = ("entropy", "tokens_per_second")
"""Keys of the columns that a narrow screen loses first."""
TRENDS = (FIRST[0], *LAST[:2])
"""What gets a small curve below the table."""


def columns(row: Row) -> list[Column]:
    """The columns that `row` has numbers for."""
    terms = [Column(f"reward/{name}", f"reward/{name}", _plain_number) for name in reward_terms([row])]
    known = [*FIRST, *terms, *LAST]
    # The loss of on-policy GRPO is near 0 by construction (the advantages of a group sum to 0): not progress.
    return [c for c in known if number(row, c.key) is not None and (c.key != "loss" or not terms)]


def fitting(wanted: Sequence[Column], width: int) -> list[Column]:
    """As many of the columns as fit in `width` characters; details go first, then terms from the right."""
    kept = list(wanted)
    details = [column for key in DETAILS for column in wanted if column.key == key]
    terms = [c for c in reversed(wanted) if c.key.startswith("reward/") and c not in FIRST]
    for column in [*details, *terms]:
        if 8 + sum(2 + max(7, *map(len, c.title.split("/"))) for c in kept) <= width:
            break
        kept.remove(column)
    return kept


class LiveTable:
    """Shows rows as they are logged. Make one in the first process only; use as a context manager.

    On a terminal it redraws a table of the last steps with a progress bar, small curves and the latest
    evaluation. Elsewhere (a file, a pipe, a job's log) it prints one line per row.
    """

    def __init__(
        self,
        steps: int,
        title: str,
        earlier: Sequence[Row] = (),
        console: Console | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """A table for `steps` steps in all; `earlier` are the rows a resumed run starts with."""
        self._steps = steps
        self._title = title
        self._console = console or Console()
        self._now = now
        self._began = now()
        before = history(earlier)
        self._rows, self._evals = before.train, before.evals
        self._ticks: deque[tuple[int, float]] = deque(maxlen=PACE + 1)
        self._live: Live | None = None
        if self._console.is_terminal:  # drawing takes 20 ms; every 2 s the clock moves during a long step
            self._live = Live(console=self._console, get_renderable=self.render, refresh_per_second=0.5)

    def __enter__(self) -> Self:
        """Take the screen, or print the title."""
        self._began = self._now()
        if self._live is None:
            self._say(self._title)
        else:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen and give it back."""
        if self._live is not None:
            self._live.stop()

    def row(self, row: Row) -> None:
        """Show one training or evaluation row of `metrics.jsonl`."""
        if is_eval(row):
            self._evals.append(row)
        else:
            self._rows.append(row)
            self._tick(row)
        if self._live is None:
            self._say(eval_line(row) if is_eval(row) else self._step_line(row))
        else:
            self._live.refresh()

    def sample(self, row: Row) -> None:
        """Samples are for `samples.jsonl`; the table has no room for them."""

    # ── time ──

    def _tick(self, row: Row) -> None:
        if not self._ticks:  # of the first step only its own word tells how long it took
            self._ticks.append((row["step"] - 1, self._now() - (number(row, "time/total") or 0.0)))
        self._ticks.append((row["step"], self._now()))

    def remaining(self) -> float | None:
        """Seconds until the last step, from the pace of the last steps; None before the first one."""
        if len(self._ticks) < 2:
            return None
        (first, since), (last, until) = self._ticks[0], self._ticks[-1]
        pace = (until - since) / max(1, last - first)
        return max(0, self._steps - last) * pace if pace > 0 else None

    def _eta(self) -> str:
        left = self.remaining()
        return "-" if left is None else clock(left)

    # ── plain lines ──

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _step_line(self, row: Row) -> str:
        step = f"step {row['step']:>{len(str(self._steps))}}/{self._steps}"
        numbers = [f"{column.title} {column.form(number(row, column.key) or 0.0)}" for column in columns(row)]
        return "  ".join([step, *numbers, f"eta {self._eta()}"])

    # ── the live table ──

    def render(self) -> RenderableType:
        """What is on the screen now."""
        parts: list[RenderableType] = [self._head()]
        if self._rows:
            parts += [self._table(), self._trends()]
        parts += [Text(eval_line(row), style="bold") for row in self._ends()]
        return Group(*parts)

    def _ends(self) -> list[Row]:
        """The first and the latest evaluation: where it started and where it is."""
        return self._evals if len(self._evals) < 2 else [self._evals[0], self._evals[-1]]

    def _head(self) -> RenderableType:
        done = self._rows[-1]["step"] if self._rows else 0
        state = Text.assemble(
            ("step ", "dim"), f"{done}/{self._steps}", ("  time ", "dim"), clock(self._now() - self._began),
            ("  left ", "dim"), self._eta(),
        )  # fmt: skip
        title, bar = Text(self._title, style="bold"), ProgressBar(total=self._steps, completed=done)
        narrow = self._console.width < len(self._title) + len(state) + 20
        head = Table.grid(padding=(0, 1), expand=True)
        for cell in (bar, state) if narrow else (title, bar, state):
            head.add_column(ratio=1 if cell is bar else None, no_wrap=True)
        if not narrow:
            head.add_row(title, bar, state)
            return head
        head.add_row(bar, state)
        return Group(title, head)

    def _table(self) -> RenderableType:
        shown = self._rows[-VISIBLE:]
        wanted = fitting(columns(self._rows[-1]), self._console.width)
        table = Table(box=None, expand=True, padding=(0, 1), header_style="dim", row_styles=["dim"])
        table.add_column("step", justify="right", vertical="bottom")
        for column in wanted:
            # `reward/format` stands in two lines, so that several terms fit a narrow screen.
            title = column.title.replace("/", "\n") if column.key.startswith("reward/") else column.title
            table.add_column(title, justify="right", style=column.style, vertical="bottom", no_wrap=True)
        for row in shown:
            cells = [(number(row, column.key), column.form) for column in wanted]
            texts = ["" if value is None else form(value) for value, form in cells]
            table.add_row(str(row["step"]), *texts, style="not dim" if row is shown[-1] else None)
        return table

    def _trends(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(justify="right", style="dim")
        width = max(10, min(60, self._console.width - 40))
        for column in TRENDS:
            values = [value for row in self._rows if (value := number(row, column.key)) is not None]
            if len(values) > 1 and not self._console.options.ascii_only:
                ends = f"{column.form(mean(values[:5]))} → {column.form(mean(values[-5:]))}"
                grid.add_row(column.title, Text(sparkline(values, width), style=column.style), Text(ends))
        return grid


def eval_line(row: Row) -> str:
    """One evaluation in one line, e.g. `held out at step 20  accuracy 45.2% [39.1%, 51.4%]  n=256`."""
    parts = [f"held out at step {row['step']}"]
    accuracy, low, high = (number(row, f"eval/{key}") for key in ("accuracy", "ci_low", "ci_high"))
    if accuracy is not None:
        interval = "" if low is None or high is None else f" [{percent(low)}, {percent(high)}]"
        parts.append(f"accuracy {percent(accuracy)}{interval}")
    if (samples := number(row, "eval/n")) is not None:
        parts.append(f"n={samples:.0f}")
    for column in LAST[:2]:
        if (value := number(row, f"eval/{column.key}")) is not None:
            parts.append(f"{column.title} {column.form(value)}")
    return "  ".join(parts)
