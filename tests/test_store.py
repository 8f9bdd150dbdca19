"""Run directories: made once, found by what people type, one process each, always with an ending."""

import json
import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from toy_runs import DIGEST, eval_row, toy_config, toy_run, train_row

from r1cli.errors import UserError
from r1cli.runs import store
from r1cli.runs.files import read_jsonl
from r1cli.runs.lock import Lock
from r1cli.runs.run import Run

SPAWN = multiprocessing.get_context("spawn")


# ── create ──


def test_runs_are_numbered(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "runs"
    first, second = toy_run(folder), toy_run(folder)
    assert (first.id, second.id) == ("0001-zero-3f9c1a", "0002-zero-3f9c1a")
    (folder / "0041-mine").mkdir()
    (folder / "notes").mkdir()
    assert toy_run(folder).id == "0042-zero-3f9c1a"


def test_layout(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    assert run.config.read_text() == "seed: 7\n"
    assert sorted(path.name for path in run.dir.iterdir()) == [
        "checkpoints", "config.yaml", "logs", "manifest.json", "run.lock",
    ]  # fmt: skip
    assert run.log_file() == run.dir / "logs" / "attempt_1.log"


def test_planned_makes_nothing(tmp_path: Path) -> None:
    assert store.planned(toy_config(tmp_path / "runs"), DIGEST) == tmp_path / "runs" / "0001-zero-3f9c1a"
    assert not (tmp_path / "runs").exists()


def test_try_out_finds_what_cannot_be_made_and_leaves_nothing(tmp_path: Path) -> None:
    store.try_out(toy_config(tmp_path / "deep" / "runs"))
    store.try_out(toy_config(tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    for folder in (Path("/proc/x"), Path("/proc/x/y"), tmp_path / "file" / "x", tmp_path / "link"):
        with pytest.raises(UserError, match=f"cannot write {folder}: (?s:.+)runs_dir="):
            store.try_out(toy_config(folder))


def test_an_existing_directory_is_refused_and_kept(tmp_path: Path) -> None:
    toy_run(tmp_path, "mine").log_metrics({"step": 1})
    with pytest.raises(UserError, match="mine exists already") as caught:
        toy_run(tmp_path, "mine")
    assert caught.value.hint is not None and "r1 resume mine" in caught.value.hint
    assert read_jsonl(tmp_path / "mine" / "metrics.jsonl") == [{"step": 1}]


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden", "a b", "-x", "x" * 101, "a\n"])
def test_a_run_id_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is no name for a folder"):
        toy_run(tmp_path, name)


def test_runs_dir_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(UserError, match=r"runs_dir `.*` is a file"):
        toy_run(tmp_path / "runs")


@pytest.mark.skipif(os.geteuid() != 0, reason="runs the check as another user, which needs root")
def test_no_permission_as_another_user(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(UserError) as caught:
            toy_run(tmp_path / "runs")
        with pytest.raises(UserError, match="permission denied"):
            store.try_out(toy_config(tmp_path / "runs"))
    finally:
        os.seteuid(0)
    assert "permission denied" in caught.value.message
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(UserError, match="permission denied"):
        toy_run(tmp_path / "runs")
    tmp_path.chmod(0o755)


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="no space left"):
        toy_run(tmp_path, "mine")
    assert not (tmp_path / "mine").exists()


def _start(folder: Path, ids: "multiprocessing.Queue[str]") -> None:
    ids.put(toy_run(folder).id)


def test_two_starts_at_once_get_two_numbers(tmp_path: Path) -> None:
    ids: multiprocessing.Queue[str] = SPAWN.Queue()
    workers = [SPAWN.Process(target=_start, args=(tmp_path, ids)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert sorted(ids.get(timeout=30)[:4] for _ in workers) == ["0001", "0002"]
    for worker in workers:
        worker.join()


# ── find ──


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(1, 12):
        (tmp_path / f"{number:04d}-zero-{number:06x}").mkdir()
        (tmp_path / f"{number:04d}-zero-{number:06x}" / "manifest.json").write_text("{}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("0003-zero-000003", "0003-zero-000003"),
        ("3", "0003-zero-000003"),
        ("1", "0001-zero-000001"),  # not 10 or 11
        ("0011", "0011-zero-00000b"),
        ("0004-z", "0004-zero-000004"),
        ("mi", "mine"),
    ],
)
def test_find(folder: Path, typed: str, found: str) -> None:
    assert store.find(folder, typed).id == found


def test_find_by_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.find(Path("elsewhere"), str(folder / "mine")).id == "mine"
    monkeypatch.chdir(folder / "mine")
    assert store.find(Path("elsewhere"), ".").id == "mine"


def test_an_ambiguous_beginning_lists_what_it_fits(folder: Path) -> None:
    with pytest.raises(UserError, match=r"`00` fits 11 runs: 0001-zero-000001, .* and 6 more"):
        store.find(folder, "00")


def test_an_unknown_id_names_the_nearest(folder: Path) -> None:
    with pytest.raises(UserError, match=r"there is no run `mone`.* Did you mean `mine`"):
        store.find(folder, "mone")
    with pytest.raises(UserError, match="there is no run ``"):
        store.find(folder, "")
    with pytest.raises(UserError, match="not a run directory"):
        store.find(folder, str(folder / "nothing"))


def test_no_runs_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no runs in"):
        store.find(tmp_path / "runs", "1")
    assert store.runs(tmp_path / "runs") == []


# ── one process each ──


def _hold(path: Path, taken: Event, end: Event) -> None:
    assert Lock(path).take()
    taken.set()
    end.wait(30)


def test_a_run_in_use_is_left_alone(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    run.unlock()
    taken, end = SPAWN.Event(), SPAWN.Event()
    other = SPAWN.Process(target=_hold, args=(run.dir / "run.lock", taken, end))
    other.start()
    assert taken.wait(30)
    assert Run(run.dir).status() == "running"
    with pytest.raises(UserError, match=rf"in use by process {other.pid} on"):
        run.reopen()
    end.set()
    other.join()
    assert Run(run.dir).status() == "interrupted"  # says running, but nobody is behind it
    run.reopen()
    assert Run(run.dir).status() == "running"


# ── how it ends ──


def test_finish(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    run.finish("done", cost={"usd": 0.5}, result={"accuracy_after": 0.7})
    manifest = run.manifest()
    assert (manifest.status, manifest.cost, manifest.result) == (
        "done",
        {"usd": 0.5},
        {"accuracy_after": 0.7},
    )
    assert manifest.finished is not None and manifest.finished >= manifest.created
    run.lock()  # free again


def test_attempt_writes_how_it_ended(tmp_path: Path) -> None:
    broken, stopped, fine = toy_run(tmp_path), toy_run(tmp_path), toy_run(tmp_path)
    with pytest.raises(ValueError, match="bad"), broken.attempt():
        raise ValueError("bad\nnews")
    with pytest.raises(KeyboardInterrupt), stopped.attempt():
        raise KeyboardInterrupt
    with fine.attempt():
        pass
    assert (broken.manifest().status, broken.manifest().reason) == ("failed", "ValueError: bad news")
    assert (stopped.manifest().status, fine.manifest().status) == ("interrupted", "done")


def test_a_full_disk_does_not_hide_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    run = toy_run(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="bad") as caught, run.attempt():
        raise ValueError("bad")
    assert "no space left" in caught.value.__notes__[0]
    assert run.status() == "interrupted"


# ── resume ──


def _checkpoint(run: Run, step: int, state: str | None) -> None:
    folder = run.checkpoints / f"checkpoint-{step}"
    folder.mkdir()
    if state is not None:
        (folder / "trainer_state.json").write_text(state)


def test_last_checkpoint_is_the_newest_whole_one(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    assert run.last_checkpoint() is None
    for step in (5, 10):
        _checkpoint(run, step, json.dumps({"global_step": step}))
    _checkpoint(run, 15, '{"global_st')  # torn
    _checkpoint(run, 20, None)  # not finished
    (run.checkpoints / "checkpoint-best").mkdir()
    assert run.last_checkpoint() == run.checkpoints / "checkpoint-10"


def test_reopen_goes_back_to_the_checkpoint(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    for row in (eval_row(0, 0.2), *(train_row(step, 0.2) for step in range(1, 8))):
        run.log_metrics(row)
    run.log_sample({"step": 7, "completion": "late"})
    _checkpoint(run, 5, '{"global_step": 5}')
    run.finish("interrupted", "Ctrl-C")
    assert run.reopen() == run.checkpoints / "checkpoint-5"
    assert [row["step"] for row in read_jsonl(run.metrics)] == [0, 1, 2, 3, 4, 5]
    assert read_jsonl(run.samples) == []
    last = run.last_train_row()
    assert last is not None and last["tokens/completion"] == 900 * 5
    manifest = run.manifest()
    assert (manifest.status, manifest.attempts, manifest.reason) == ("running", 2, None)
    assert run.log_file().name == "attempt_2.log"


def test_reopen_without_a_checkpoint_starts_over(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    run.log_metrics(eval_row(0, 0.2))
    run.finish("failed", "out of memory")
    assert run.reopen() is None
    assert read_jsonl(run.metrics) == []


def test_a_done_run_is_not_resumed(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    run.finish("done")
    with pytest.raises(UserError, match="is done: there is nothing to resume"):
        run.reopen()


def test_a_misspelled_field_is_a_fault_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="wandbid"):
        toy_run(tmp_path).update(wandbid="x")
