"""`curves.png`: a real picture for whatever rows a run has."""

import struct
from pathlib import Path
from typing import Any

import pytest
from toy_runs import eval_row, rising, toy_run, train_row

from r1cli.report.curves import draw, picture, smooth
from r1cli.report.rows import Series


def size(png: bytes) -> tuple[int, int]:
    """Width and height from the header of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def test_draw_writes_the_picture_of_a_run(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    for row in rising():
        run.log_metrics(row)
    draw(run)
    assert size(run.curves.read_bytes()) == (2000, 1260)


def test_a_run_without_rows_has_no_picture(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    draw(run)
    assert not run.curves.exists()


@pytest.mark.parametrize(
    "rows",
    [
        [train_row(1, 0.0)],
        [eval_row(0, 0.0, half=0.0)],
        [eval_row(0, 1.0), eval_row(5, 1.0)],
        [train_row(1, 0.1, entropy=None), train_row(2, 0.2)],
        [{"step": 0, "eval/accuracy": 0.5}],  # no interval
    ],
    ids=["one step", "one evaluation", "all right", "a gap", "no interval"],
)
def test_any_rows_make_a_picture(rows: list[dict[str, Any]], recwarn: pytest.WarningsRecorder) -> None:
    assert size(picture(rows, "a title", "a note")) == (2000, 1260)
    assert [str(warning.message) for warning in recwarn] == []


def test_a_stage_without_reward_shows_its_loss() -> None:
    assert size(picture([{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}], "base")) == (2000, 720)


def test_the_picture_leaves_matplotlib_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    picture(rising(), "a title")
    assert dict(matplotlib.rcParams) == before


def test_smooth_by_hand() -> None:
    # 40 points 0 1 0 1 …: one neighbour on each side, none at the start, one at the end
    line = Series(list(range(40)), [float(value % 2) for value in range(40)])
    assert smooth(line).values[:3] == [0.0, pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert smooth(line).values[-1] == 0.5
    few = Series([1, 2], [0.0, 1.0])
    assert smooth(few) == few
