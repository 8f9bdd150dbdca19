"""The live table on a terminal, and the plain lines elsewhere."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rich.console import Console
from toy_runs import eval_row, rising, train_row

from r1cli.report.live import LiveTable, columns, eval_line, fitting
from r1cli.report.text import clock, count, dollars, duration, plain, sparkline


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def console(width: int = 100, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, record=True, color_system=None)


def shown(rows: Sequence[dict[str, Any]], width: int = 100, steps: int = 40) -> list[str]:
    """What a terminal shows after these rows, line by line."""
    screen, now = console(width, terminal=True), Clock()
    table = LiveTable(steps, "0001-zero-3f9c1a: nano on countdown", console=screen, now=now)
    for row in rows:
        now.seconds += 5.0
        table.row(row)
    screen.print(table.render())
    return screen.export_text().splitlines()[-30:]


def test_plain_lines_when_nobody_watches() -> None:
    out, now = console(), Clock()
    with LiveTable(10, "a run", console=out, now=now) as table:
        table.row(eval_row(0, 0.2))
        now.seconds = 12.0
        table.row(train_row(1, 0.25))
        table.sample({"step": 1, "completion": "long"})
        now.seconds = 18.0
        table.row(train_row(2, 0.5))
    lines = out.export_text().splitlines()
    assert lines[0] == "a run"
    assert lines[1] == "held out at step 0  accuracy 20.0% [15.0%, 25.0%]  n=256  length 50.0  aha 20.0%"
    # step 1 took its own time/total of 5 s: 9 steps more are 45 s
    assert lines[2] == (
        "step  1/10  accuracy 25.0%  reward 1.25  reward/accuracy 0.25  reward/format 1.00  "
        "length 51.0  aha 20.0%  entropy 0.30  tok/s 1.24 k  eta 0:45"
    )
    # then (5 + 6) / 2 = 5.5 s a step: 8 steps more are 44 s
    assert lines[3].endswith("eta 0:44")
    assert len(lines) == 4


def test_the_table_fits_a_terminal_of_100_columns() -> None:
    lines = shown(rising(30))
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    for part in ("step 30/40", "accuracy", "reward", "format", "length", "aha", "tok/s", "left", "▁", "█"):
        assert part in text
    assert "  30 " in text and "  19 " in text and "  18 " not in text  # the last 12 steps
    assert lines[-2].startswith("held out at step 0 ") and lines[-1].startswith("held out at step 30 ")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_loses_details_first(width: int) -> None:
    lines = shown(rising(30), width)
    assert max(map(len, lines)) <= width
    assert any("accuracy" in line and "aha" in line for line in lines) or width < 60
    assert not any("…" in line for line in lines)


def test_columns_are_what_the_rows_have() -> None:
    titles = [column.title for column in columns(train_row(1, 0.5))]
    assert titles == [
        "accuracy", "reward", "reward/accuracy", "reward/format", "length", "aha", "entropy", "tok/s",
    ]  # fmt: skip
    assert [column.title for column in columns({"step": 1, "loss": 2.5, "tokens_per_second": 10.0})] == [
        "loss",
        "tok/s",
    ]
    assert columns({"step": 1, "accuracy": None}) == []


def test_details_go_before_terms_and_terms_from_the_right() -> None:
    wanted = columns(train_row(1, 0.5))
    # accuracy 2+8, reward 2+7, two terms 2+8 and 2+7, length, aha, entropy and tok/s 2+7 each, step 8: 82
    assert len(fitting(wanted, 82)) == 8
    assert "entropy" not in [column.key for column in fitting(wanted, 81)]
    assert [column.key for column in fitting(wanted, 56)] == [
        "accuracy", "reward/total", "reward/accuracy", "response_length/mean", "aha/deepseek_share",
    ]  # fmt: skip


def test_a_resumed_run_starts_with_its_history() -> None:
    now = Clock()
    table = LiveTable(20, "again", earlier=rising(10), console=console(terminal=True), now=now)
    assert table.remaining() is None
    now.seconds = 100.0
    table.row(train_row(11, 0.7))
    assert table.remaining() == pytest.approx(9 * 5.0)  # not slowed by the steps of the first attempt


def test_an_error_gives_the_screen_back() -> None:
    out = console(terminal=True)
    with pytest.raises(ValueError, match="bad"), LiveTable(10, "a run", console=out) as table:
        table.row(train_row(1, 0.2))
        raise ValueError("bad")
    with LiveTable(10, "another", console=out):  # rich refuses a second live display while one is open
        pass


def test_eval_line_of_what_there_is() -> None:
    assert eval_line({"step": 3, "eval/format": 0.5}) == "held out at step 3"
    assert eval_line({"step": 3, "eval/accuracy": 0.5}) == "held out at step 3  accuracy 50.0%"


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (duration, 41.6, "42 s"), (duration, 59.6, "1 min 00 s"), (duration, 432, "7 min 12 s"),
        (duration, 3599.6, "1 h 00 min"), (duration, 11100, "3 h 05 min"), (duration, 187200, "2 d 4 h"),
        (clock, 42, "0:42"), (clock, 432, "7:12"), (clock, 11100, "3:05:00"), (clock, -1, "0:00"),
        (count, 850, "850"), (count, 999.6, "1.00 k"), (count, 12345, "12.3 k"), (count, 1.239e6, "1.24 M"),
        (count, 999_600, "1.00 M"), (count, 3.1e9, "3.10 G"), (count, 123_456, "123 k"),
        (dollars, 0.0, "$0.00"), (dollars, 0.004, "< $0.01"), (dollars, 1.234, "$1.23"),
        (dollars, 1234.5, "$1,234"),
    ],
)  # fmt: skip
def test_numbers_for_people(form: Callable[[float], str], value: float, text: str) -> None:
    assert form(value) == text


def test_sparkline() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"  # means of pairs
    assert sparkline([3, 3], 10) == "▁▁"
    assert sparkline([float("nan")], 10) == ""


def test_control_sequences_are_taken_out() -> None:
    assert plain("a\x1b[31mred\x1b[0m\x07 \x1b]0;title\x07b\rc\ttab\nline") == "ared 0;titlebc\ttab\nline"
