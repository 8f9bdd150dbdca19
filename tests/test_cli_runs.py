"""`r1 runs` and `r1 runs show`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy_runs import rising, toy_run
from typer.testing import CliRunner

from r1cli.cli.runs import app

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One run that learned, one that failed, one whose manifest is damaged."""
    good, bad = toy_run(tmp_path), toy_run(tmp_path)
    for row in rising():
        good.log_metrics(row)
    good.finish(
        "done", cost={"usd": 0.0}, result={"accuracy_before": 0.2, "accuracy_after": 0.7, "steps": 10.0}
    )
    good.update(seconds=432.0)
    bad.finish("failed", "RuntimeError: out of memory")
    broken = toy_run(tmp_path, "broken")
    broken.unlock()
    (broken.dir / "manifest.json").write_text("{")
    return tmp_path


def test_list(folder: Path) -> None:
    result = runner.invoke(app, ["--runs-dir", str(folder)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["run", "status", "model", "task", "steps", "accuracy", "time", "started"]
    assert lines[1].split()[:9] == [
        "0001-zero-3f9c1a", "done", "nano", "countdown", "10", "20.0%", "→", "70.0%", "7:12",
    ]  # fmt: skip
    assert lines[2].split()[:2] == ["0002-zero-3f9c1a", "failed"]
    assert lines[3].split() == ["broken", "unreadable"]


def test_list_as_json_by_the_variable(folder: Path) -> None:
    result = runner.invoke(app, ["--json"], env={"R1_RUNS": str(folder)})
    rows = json.loads(result.stdout)
    assert [(row["id"], row["status"]) for row in rows] == [
        ("0001-zero-3f9c1a", "done"), ("0002-zero-3f9c1a", "failed"), ("broken", "unreadable"),
    ]  # fmt: skip
    assert rows[0]["result"]["accuracy_after"] == 0.7
    assert rows[1]["reason"] == "RuntimeError: out of memory"


def test_nothing_to_list(tmp_path: Path) -> None:
    result = runner.invoke(app, ["--runs-dir", str(tmp_path / "none")])
    assert (result.exit_code, result.stdout.split(" yet")[0]) == (0, f"No runs in {tmp_path / 'none'}")
    assert json.loads(runner.invoke(app, ["--json", "--runs-dir", str(tmp_path / "none")]).stdout) == []


def test_show(folder: Path) -> None:
    result = runner.invoke(app, ["show", "1", "--runs-dir", str(folder)])
    assert result.exit_code == 0
    text = result.stdout
    assert text.startswith("0001-zero-3f9c1a: zero, nano on countdown, done\n")
    assert "accuracy  20.0% [15.0, 25.0] → 70.0% [65.0, 75.0]  up by 50.0 points" in text
    assert "command   r1 train zero\n" in text
    assert f"run       {folder / '0001-zero-3f9c1a'}\n" in text


def test_show_as_json(folder: Path) -> None:
    for words in (["show", "2", "--json"], ["--json", "show", "2"]):
        result = runner.invoke(app, words, env={"R1_RUNS": str(folder)})
        shown = json.loads(result.stdout)
        assert (shown["id"], shown["status"], shown["findings"]) == ("0002-zero-3f9c1a", "failed", [])
        assert shown["verdict"] == "no held-out evaluation"


def test_the_nearest_folder_option_wins(folder: Path, tmp_path: Path) -> None:
    words = ["--runs-dir", str(tmp_path / "none"), "show", "1", "--runs-dir", str(folder)]
    assert runner.invoke(app, words, env={"R1_RUNS": "/nowhere"}).exit_code == 0
    words = ["--runs-dir", str(folder), "show", "1"]
    assert runner.invoke(app, words, env={"R1_RUNS": "/nowhere"}).exit_code == 0


def test_mistakes_take_two_lines(folder: Path) -> None:
    result = runner.invoke(app, ["show", "brocken", "--runs-dir", str(folder)])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"error: there is no run `brocken` in `{folder}`. Did you mean `broken`?",
        f"`r1 runs` lists the runs in `{folder}`.",
    ]
    result = runner.invoke(app, ["show", "broken", "--runs-dir", str(folder)])
    assert result.exit_code == 2
    assert "Invalid JSON" in result.stderr and "Traceback" not in result.stderr


def test_looking_at_runs_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys; from r1cli.cli.runs import app; app(['show', '1'], standalone_mode=False); "
        "assert not {'torch', 'hydra', 'matplotlib', 'transformers'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"R1_RUNS": str(folder)}, capture_output=True
    )
