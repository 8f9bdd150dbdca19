"""What reaches Weights & Biases, read back from the file an offline run leaves, and that it ends no run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_zero import lay_out, manifest, overrides, r1, rows
from wandb_files import history, records

pytestmark = pytest.mark.slow

LOGGED = ["logger=wandb", "logger.project=toys", "logger.tags=[small,quick]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("wandb"))


@pytest.fixture(autouse=True)
def _no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever runs the tests: no key, and nothing of theirs is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.fixture(scope="module")
def logged(home: Path) -> tuple[Path, str]:
    """A run that logged offline, and what it said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("NETRC", str(home / "netrc"))
        done = r1("train", "zero", *overrides(home, run_id="logged"), *LOGGED)
    assert done.code == 0, done.err
    assert done.err == ""
    return home / "runs" / "logged", done.out


def files(run: Path) -> list[Path]:
    """What wandb wrote, oldest first; one file an attempt."""
    return sorted((run / "wandb").glob("offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_mtime)


def of_kind(path: Path, kind: str) -> list[Any]:
    return [getattr(r, kind) for r in records(path) if r.WhichOneof("record_type") == kind]


def metric_rows(path: Path) -> list[dict[str, Any]]:
    """The logged rows without wandb's own `_step` and the like, without tables."""
    plain = [{k: v for k, v in row.items() if not k.startswith("_")} for row in history(path)]
    return [row for row in plain if "completions/path" not in row]


def written_rows(run: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "time"} for row in rows(run / "metrics.jsonl")]


def test_every_row_is_logged_as_it_is_written(logged: tuple[Path, str]) -> None:
    run, _ = logged
    assert len(files(run)) == 1
    assert metric_rows(files(run)[0]) == written_rows(run)
    assert [row["step"] for row in written_rows(run)] == [0, 1, 2, 2, 3, 4, 4]


def test_one_line_says_that_it_is_offline(logged: tuple[Path, str]) -> None:
    run, said = logged
    lines = [line for line in said.splitlines() if line.startswith("wandb")]
    assert lines == [
        f"wandb: no API key, so it logs offline; send it later: wandb sync {run}/wandb/offline-*"
    ]


def test_a_run_is_found_by_its_names(logged: tuple[Path, str]) -> None:
    run, _ = logged
    (found,) = of_kind(files(run)[0], "run")[:1]
    assert found.run_id == manifest(run)["wandb_id"]
    assert (found.project, found.run_group, found.job_type) == ("toys", "logged", "zero")
    assert found.display_name == "logged"
    assert set(found.tags) == {"nano", "gsm8k", "small", "quick"}
    config = {item.key: json.loads(item.value_json) for item in found.config.update}
    assert config["seed"] == 3 and config["stage"]["group_size"] == 4 and config["run"] == "logged"


def test_it_ends_with_the_exit_code(logged: tuple[Path, str]) -> None:
    run, _ = logged
    assert [record.exit_code for record in of_kind(files(run)[0], "exit")] == [0]


def test_samples_are_a_table(logged: tuple[Path, str]) -> None:
    run, _ = logged
    tables = sorted((run / "wandb").rglob("completions*.table.json"))
    found = [row for path in tables for row in json.loads(path.read_text())["data"]]
    columns = json.loads(tables[0].read_text())["columns"]
    samples = rows(run / "samples.jsonl")
    assert columns[:3] == ["step", "kind", "problem"] and len(found) == len(samples)
    expected = [[sample[name] for name in columns] for sample in samples]
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_two_processes_send_the_samples_too(home: Path) -> None:
    two = {"launcher__processes": 2, "launcher__threads": 1, "stage__steps": 1, "stage__save_every": 0}
    done = r1("train", "zero", *overrides(home, run_id="two", **two), *LOGGED)
    assert done.code == 0, done.err
    run = home / "runs" / "two"
    tables = (run / "wandb").rglob("completions*.table.json")
    sent = [row for path in tables for row in json.loads(path.read_text())["data"]]
    assert len(sent) == len(rows(run / "samples.jsonl")) == 4 + 16 + 4
    assert metric_rows(files(run)[0]) == written_rows(run)


def test_a_resumed_run_goes_on_under_the_same_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from r1cli.problem import Completion, Problem, Verdict
    from r1cli.rewards import REWARDS

    calls: list[str] = []

    def fragile(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        calls.append(problem.id)
        assert len(calls) <= 8 + 2 * 16 + 8, "no more after the second step and its evaluation"
        return 0.0

    monkeypatch.setitem(REWARDS, "fragile", fragile)
    words = [*overrides(home, run_id="resumed", reward__fragile__weight=1), *LOGGED]
    assert r1("train", "zero", *words).code == 1
    run = home / "runs" / "resumed"
    identity = manifest(run)["wandb_id"]
    monkeypatch.setitem(REWARDS, "fragile", lambda problem, completion, verdict: 0.0)
    assert r1("resume", "resumed", "--runs-dir", str(home / "runs")).code == 0
    assert manifest(run)["wandb_id"] == identity
    first, second = files(run)
    assert {record.run_id for path in (first, second) for record in of_kind(path, "run")} == {identity}
    assert [row["step"] for row in metric_rows(first)] == [0, 1, 2, 2]
    assert [row["step"] for row in metric_rows(second)] == [3, 4, 4]
    assert metric_rows(first) + metric_rows(second) == written_rows(run)
    assert [record.exit_code for record in of_kind(first, "exit")] == [1]
    assert [record.exit_code for record in of_kind(second, "exit")] == [0]


@pytest.mark.parametrize("broken", ["init", "log", "finish", "Table"])
def test_a_wandb_that_breaks_ends_no_run(home: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    import wandb

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of order\nand more")

    place = wandb if broken in ("init", "Table") else wandb.Run
    monkeypatch.setattr(place, broken, fail)
    done = r1("train", "zero", *overrides(home, run_id=f"broken-{broken}", stage__steps=2), *LOGGED)
    run = home / "runs" / f"broken-{broken}"
    assert done.code == 0 and manifest(run)["status"] == "done"
    said = [line for line in done.out.splitlines() if "switched off" in line]
    assert said == ["wandb failed and is switched off: RuntimeError: out of order and more"]
    assert "out of order" in (run / "logs" / "attempt_1.log").read_text()
    assert [row["step"] for row in rows(run / "metrics.jsonl")] == [0, 1, 2, 2]


def test_without_the_logger_nothing_of_wandb_is_made(home: Path) -> None:
    assert (
        r1("train", "zero", *overrides(home, run_id="plain", stage__steps=1, stage__save_every=0)).code == 0
    )
    assert not (home / "runs" / "plain" / "wandb").exists()
    assert manifest(home / "runs" / "plain")["wandb_id"] is None
