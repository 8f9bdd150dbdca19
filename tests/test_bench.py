"""The pure parts of the benchmarks: shares, differences, tables. Nothing is measured here."""

from typing import Any

import pytest
from bench import seeds, step, table
from bench.__main__ import arguments
from toy_runs import eval_row, train_row


def rows() -> list[dict[str, Any]]:
    """Three steps that end at 1000, 1006 and 1016 s, and an evaluation at each end."""
    ends = {1: 1000.0, 2: 1006.0, 3: 1016.0}
    train = [
        train_row(n, 0.5, **{"time": end, "time/record": 0.02, "time/reward": 0.08, "time/total": 5.0})
        for n, end in ends.items()
    ]
    more = {"eval/aha/deepseek_per_1k": 4.25}
    return [eval_row(0, 0.2, **more), *train, eval_row(3, 0.7, **more)]


def test_steps_are_the_time_between_rows_and_the_first_has_none() -> None:
    second, third = step.from_rows(rows())
    assert (second.seconds, third.seconds) == (6.0, 10.0)
    assert (second.generate, second.tokens, second.reward) == (3.0, 900, 1.5)


def test_own_share_counts_rewards_metrics_and_logging() -> None:
    # 3 steps: (3 * 0.08 + 3 * 0.02) / (3 * 5.0 + 3 * 0.02) = 0.30 / 15.06
    assert step.own_share(rows()) == pytest.approx(0.30 / 15.06)


def test_a_row_holds_means_over_all_steps_and_the_largest_memory() -> None:
    one = step.Measured(step.from_rows(rows()), 0.01, 0.8)
    two = step.Measured([step.Step(5.0, 3.0, 900, 0.0)], 0.03, 1.1)
    # 6, 10 and 5 s: 7 s a step, 3 of them generation; 7 s for 900 tokens = 7,777.8 ms per 1,000
    assert step.row("x", [one, two]) == [
        "x", 3, 7.0, 3.0, 4.0, 900, pytest.approx(7777.8, abs=0.1), "2.00%", pytest.approx(1.0), 1.1
    ]  # fmt: skip


def test_one_step_only_warms_up() -> None:
    with pytest.raises(SystemExit, match="2 steps"):
        step.row("x", [step.Measured([], 0.0, 1.0)])


def test_table_aligns_numbers_and_shows_missing_ones() -> None:
    assert table.markdown(("what", "s", "share"), [["a", 1.234, "5%"], ["b", None, None]]).splitlines() == [
        "| what | s | share |",
        "| --- | ---: | --- |",
        "| a | 1.23 | 5% |",
        "| b | - | - |",
    ]


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.01234, "0.0123"), (4.567, "4.57"), (0.0, "0.00"), (99.96, "100"), (22784.4, "22,784"), (7, "7")],
)
def test_numbers_have_three_digits(number: float, shown: str) -> None:
    assert table.text(number) == shown


def test_seeds_table_from_toy_runs() -> None:
    first = seeds.result(0, rows(), 0.912)
    second = seeds.result(1, [*rows()[:-1], eval_row(3, 0.5)], 1.1)
    line, other, average = seeds.markdown([first, second]).splitlines()[2:5]
    # minutes: 3 steps of 5.0 s = 0.25; tokens: 3 * (100 + 900); toy evaluations add 1 token and 0.01 a step
    assert line == (
        "| 0 | 20.0% [15.0, 25.0] → 70.0% [65.0, 75.0] | 256 | 0.2 | 50.0 → 53.0 | 20.0% → 23.0% | 4.2 → 4.2 "
        "| 5.0% → 5.0% | 3 | 3,000 | 0.91 |"
    )
    assert other.startswith("| 1 | 20.0% [15.0, 25.0] → 50.0% [45.0, 55.0] |")
    assert average.startswith("| mean | 20.0% → 60.0% | 256 |")
    assert average.endswith("| 3 | 3,000 | 1.01 |")


def test_every_column_is_explained() -> None:
    text = seeds.markdown([seeds.result(0, rows(), 1.0)])
    head, *legend = text.splitlines()[0], *text.splitlines()[4:]
    assert [cell.strip() for cell in head.strip("|").split("|")] == list(seeds.COLUMNS)
    assert len(legend) == len(seeds.COLUMNS)


def test_words_are_names_or_overrides() -> None:
    options, names, overrides = arguments(["trl", "--steps", "3", "stage.micro_batch=8", "--model", "m"])
    assert (options.steps, names) == (3, ["trl"])
    assert overrides == ["stage.micro_batch=8", "model.path=m", "model.embedded=null"]
    assert arguments([])[1] == ["startup", "step", "trl", "threads", "seeds"]
    with pytest.raises(SystemExit):
        arguments(["speed"])
