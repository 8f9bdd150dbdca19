"""How `r1 train` and `r1 run` start a run, and how every ending of it is told."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from r1cli import stages
from r1cli.cli import app
from r1cli.cli.errors import guard
from r1cli.errors import UserError
from r1cli.stages.stop import Interrupted


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("R1_RUNS", raising=False)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """What looks like a model directory from outside, as an override."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return f"model.path={folder}"


class Said(tuple[int, str, str]):
    """Exit code, stdout, stderr."""


def r1(*words: str) -> Said:
    done = CliRunner().invoke(app, words, prog_name="r1")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Said((done.exit_code, done.stdout, done.stderr))


def play(monkeypatch: pytest.MonkeyPatch, act: Callable[[Any, Any], None]) -> None:
    """Let `act(config, run)` stand for the training."""

    def run(config: Any, run: Any, listeners: Any, notice: Any) -> None:
        act(config, run)

    monkeypatch.setattr(stages, "run", run)


def test_a_run_gets_a_directory_with_its_config(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    play(monkeypatch, lambda config, run: seen.append((config, run)))
    code, out, err = r1("train", "zero", weights, "run_id=first", "seed=4")
    assert code == 0, err
    (config, run), home = seen[0], tmp_path / "runs" / "first"
    assert config.seed == 4 and run.dir.resolve() == home
    assert yaml.safe_load((home / "config.yaml").read_text())["seed"] == 4
    assert "runs/first/" in out


def test_the_run_that_made_the_model_is_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "runs" / "0001-base-abc"
    (made / "model").mkdir(parents=True)
    for name in ("manifest.json", "model/config.json", "model/model.safetensors"):
        (made / name).write_text("{}")
    play(monkeypatch, lambda config, run: None)
    assert r1("train", "zero", f"model.path={made / 'model'}", "run_id=child")[0] == 0
    manifest = json.loads((tmp_path / "runs" / "child" / "manifest.json").read_text())
    assert manifest["parents"] == {"model": "0001-base-abc"}


@pytest.mark.parametrize(
    ("error", "code", "parts"),
    [
        (UserError("reward `x` failed on problem `p`", "The response was 'y'"), 2, ["reward `x` failed"]),
        (
            OSError(errno.ENOSPC, "No space left on device", "/full"),
            2,
            ["/full: no space left on the device", "runs_dir="],
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/locked"),
            2,
            ["/locked: permission denied", "R1_RUNS"],
        ),
        (KeyboardInterrupt(), 130, ["interrupted", "r1 resume one"]),
        (Interrupted(), 75, ["interrupted", "r1 resume one"]),
        (RuntimeError("shapes differ\nmore"), 1, ["RuntimeError: shapes differ", "attempt_1.log"]),
    ],
)
def test_how_a_run_ends(
    weights: str, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, parts: list[str]
) -> None:
    def fail(config: Any, run: Any) -> None:
        raise error

    play(monkeypatch, fail)
    found, _, err = r1("train", "zero", weights, "run_id=one")
    assert found == code and "Traceback" not in err and len(err.strip().splitlines()) <= 2
    for part in parts:
        assert part in err


def test_an_unexpected_error_leaves_its_traceback_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, guard():
        raise ZeroDivisionError
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err
    path = Path(said.split("traceback is in ")[1].strip().rstrip("."))
    assert said.startswith("error: ZeroDivisionError") and "Traceback" in path.read_text()
    path.unlink()


# ── recipes ──


def test_a_recipe_runs_its_steps_as_train_would(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def act(config: Any, run: Any) -> None:
        run.model.mkdir()
        (run.model / "config.json").write_text("{}")
        (run.model / "model.safetensors").write_bytes(b"")
        seen.append((config, run.id))

    play(monkeypatch, act)
    code, out, err = r1("run", "nano-zero", "zero.stage.steps=3")
    assert code == 0, err
    (base, first), (zero, second) = seen
    assert (base.stage.kind, zero.stage.kind, zero.stage.steps) == ("base", "zero", 3)
    assert Path(zero.model.path).resolve() == tmp_path / "runs" / first / "model"
    manifest = json.loads((tmp_path / "runs" / second / "manifest.json").read_text())
    assert manifest["parents"] == {"model": first}
    assert manifest["command"][:3] == ["r1", "train", "zero"] and "stage.steps=3" in manifest["command"]
    assert "accuracy_after: not measured; expected 0.7 to 1" in out


def test_a_mistake_in_the_last_step_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, lambda config, run: pytest.fail("started"))
    code, _, err = r1("run", "nano-zero", "zero.stage.stps=3")
    assert code == 2 and "stage.steps" in err and not (tmp_path / "runs").exists()


def test_recipe_dry_run(tmp_path: Path) -> None:
    code, out, err = r1("run", "nano-zero", "--dry-run")
    assert (code, err) == (0, "")
    assert (
        "<model of step base>" in out and "expected: accuracy_after" in out and "nothing was started" in out
    )
    assert not (tmp_path / "runs").exists()
    assert r1("run", "nano", "--dry-run")[0] == 2
