"""What happens to a run that is interrupted, whose reward raises, whose disk is full: nothing is lost."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_zero import eval_rows, lay_out, manifest, overrides, r1, rows, start, train_rows, weights

from r1cli.problem import Completion, Problem, Verdict
from r1cli.rewards import REWARDS
from r1cli.runs.run import Run

pytestmark = pytest.mark.slow

LONG: dict[str, Any] = {"stage__steps": 60, "stage__eval__every": 20, "stage__save_every": 0}
"""60 steps of 4 prompts go through the 40 rows six times."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("accidents"))


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> Path:
    """The run that the interrupted ones must end like."""
    assert r1("train", "zero", *overrides(home, run_id="undisturbed", **LONG)).code == 0
    return home / "runs" / "undisturbed"


def until(happened: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def written(run: Path, count: int) -> bool:
    path = run / "metrics.jsonl"
    return path.exists() and path.read_bytes().count(b"\n") >= count


def said_by(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and stderr of a process that is about to end."""
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def resume(run: Path) -> None:
    done = r1("resume", run.name, "--runs-dir", str(run.parent))
    assert (done.code, done.err) == (0, "")
    assert manifest(run)["status"] == "done"


def same_course(one: Path, other: Path) -> None:
    """Each step once, with the same numbers, and the same weights in the end."""
    timed = ("time", "cost/", "tokens_per_second", "eval/seconds")
    for read in (train_rows, eval_rows):
        plain = [
            [{k: v for k, v in row.items() if not k.startswith(timed)} for row in read(run)]
            for run in (one, other)
        ]
        assert plain[0] == plain[1]
    assert rows(one / "samples.jsonl") == rows(other / "samples.jsonl")
    first, second = weights(one / "model"), weights(other / "model")
    assert first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


# ── asked to stop ──


def test_ctrl_c_keeps_what_was_learned_and_resume_goes_on(home: Path, undisturbed: Path) -> None:
    run = home / "runs" / "interrupted"
    process = start(["train", "zero", *overrides(home, run_id="interrupted", **LONG)], home)
    until(lambda: written(run, 6))
    assert manifest(run)["status"] == "running"
    process.send_signal(signal.SIGINT)
    code, err = said_by(process)
    assert (code, err) == (75, "interrupted. Go on with `r1 resume interrupted`.\n")
    found, last = manifest(run), train_rows(run)[-1]["step"]
    assert found["status"] == "interrupted" and 5 <= last < 60
    assert (run / "checkpoints" / f"checkpoint-{last}" / "trainer_state.json").is_file()
    resume(run)
    assert manifest(run)["attempts"] == 2
    same_course(run, undisturbed)


SLOW_REWARD = """
import time
from pathlib import Path
from r1cli.cli import app
from r1cli.rewards import REWARDS

calls = []

def slow(problem, completion, verdict):
    calls.append(problem)
    if len(calls) == 12:  # 8 are the evaluation: in the first step
        Path("asleep").touch()
        time.sleep(100)
    return 0.0

REWARDS["slow"] = slow
app()
"""


def test_a_second_ctrl_c_leaves_at_once(home: Path) -> None:
    run = home / "runs" / "impatient"
    (home / "slow.py").write_text(SLOW_REWARD)
    words = overrides(home, run_id="impatient", reward__slow__weight=1)
    process = start(["train", "zero", *words], home, program=["slow.py"])
    until((home / "asleep").exists)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None, "the first one waits for the end of the step"
    process.send_signal(signal.SIGINT)
    code, err = said_by(process)
    assert (code, err) == (130, "interrupted. Go on with `r1 resume impatient`.\n")
    assert manifest(run)["status"] == "interrupted"


def test_killed_without_a_word_it_can_still_be_resumed(home: Path, undisturbed: Path) -> None:
    run = home / "runs" / "killed"
    often = LONG | {"stage__save_every": 5}
    process = start(["train", "zero", *overrides(home, run_id="killed", **often)], home)
    until(lambda: (run / "checkpoints" / "checkpoint-25" / "trainer_state.json").exists())  # the third round
    process.kill()
    process.communicate()
    assert manifest(run)["status"] == "running" and Run(run).status() == "interrupted"
    resume(run)
    same_course(run, undisturbed)


class StopAt:
    """A listener that asks for a stop when it has heard of so many rows."""

    def __init__(self, count: int) -> None:
        self.count = count

    def row(self, row: dict[str, Any]) -> None:
        self.count -= 1
        if self.count == 0:
            signal.raise_signal(signal.SIGTERM)

    def sample(self, row: dict[str, Any]) -> None:
        pass


def stopped_at(home: Path, count: int, **more: Any) -> Path:
    """An interrupted run that wrote so many metric rows, evaluation before step 1 included."""
    from r1cli import stages
    from r1cli.config import compose
    from r1cli.runs import store

    config = compose.load("zero", overrides(home, **more))
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    with pytest.raises(stages.Interrupted):
        stages.run(config, run, [StopAt(count)], lambda text: None)
    assert manifest(run.dir)["status"] == "interrupted"
    return run.dir


@pytest.mark.parametrize(
    ("count", "rows_left", "checkpoint"),
    [
        (1, [0], None),  # during the evaluation before step 1: nothing is learned yet
        (3, [0, 1, 2], 2),  # right before the evaluation at step 2, which is made up for
        (6, [0, 1, 2, 2, 3, 4], 4),  # right before the last evaluation
        (7, [0, 1, 2, 2, 3, 4, 4], 4),  # after it, before the model is saved
    ],
)
def test_wherever_it_stops_no_measurement_is_missing_or_double(
    home: Path, count: int, rows_left: list[int], checkpoint: int | None
) -> None:
    run = stopped_at(home, count, run_id=f"stopped{count}", stage__save_every=0)
    assert [row["step"] for row in rows(run / "metrics.jsonl")] == rows_left
    found = Run(run).last_checkpoint()
    assert (found and found.name) == (checkpoint and f"checkpoint-{checkpoint}")
    resume(run)
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3, 4]
    assert [row["step"] for row in eval_rows(run)] == [0, 2, 4]
    assert (run / "model" / "model.safetensors").is_file()


def test_lora_goes_on_where_it_stopped(home: Path) -> None:
    lora = {"model__lora": 2, "stage__learning_rate": 0.05}
    assert r1("train", "zero", *overrides(home, run_id="lora", **lora)).code == 0
    run = stopped_at(home, 2, run_id="lora-stopped", **lora)
    resume(run)
    same_course(run, home / "runs" / "lora")


# ── a reward that raises ──


def test_a_reward_that_raises_ends_the_run_and_loses_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fragile(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        asked.append(problem.id)
        if len(asked) > 8 + 2 * 16 + 8 + 5:  # evaluation, two steps, evaluation, five of the third step
            raise ZeroDivisionError("no luck")
        return 0.5

    monkeypatch.setitem(REWARDS, "fragile", fragile)
    settings = {"run_id": "fragile", "reward__fragile__weight": 1, "stage__save_every": 0}
    done = r1("train", "zero", *overrides(home, **settings))
    run = home / "runs" / "fragile"
    said = f"reward `fragile` on problem `{asked[-1]}`: ZeroDivisionError: no luck"
    assert done.code == 1 and said in done.err and len(done.err.splitlines()) == 2
    assert manifest(run)["status"] == "failed" and said in manifest(run)["reason"]
    log = (run / "logs" / "attempt_1.log").read_text()
    assert "Traceback" in log and "fragile" in log and 'raise ZeroDivisionError("no luck")' in log
    assert [row["step"] for row in train_rows(run)] == [1, 2]
    assert (run / "checkpoints" / "checkpoint-2" / "model.safetensors").is_file()
    monkeypatch.setitem(REWARDS, "fragile", lambda problem, completion, verdict: 0.5)
    resume(run)
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3, 4]


# ── the disk ──


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=600k", "none", folder]).returncode:
        pytest.skip("only root may mount a small file system here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("taken", [200_000, 300_000, 400_000, 450_000, 500_000])
def test_a_full_disk_is_named_and_older_files_can_be_read(home: Path, small_disk: Path, taken: int) -> None:
    (small_disk / "other").write_bytes(b"x" * taken)
    settings = {"run_id": "full", "runs_dir": small_disk, "stage__save_every": 1}
    done = r1("train", "zero", *overrides(home, **settings))
    assert done.code == 2 and "Traceback" not in done.err and len(done.err.splitlines()) == 2
    assert "no space left on the device" in done.err and "r1 resume" in done.err
    run = small_disk / "full"
    steps = [row["step"] for row in train_rows(run)]
    assert steps == list(range(1, len(steps) + 1)) and Run(run).status() in ("failed", "interrupted")
    (small_disk / "other").unlink()
    found = Run(run).last_checkpoint()
    if found is not None:
        assert weights(found).keys() == weights(home / "toy").keys()
    assert len(list((run / "checkpoints").glob("checkpoint-*"))) in (len(steps), len(steps) - 1)


def test_a_read_only_disk_is_named_before_anything_starts(home: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    done = r1("train", "zero", *overrides(home, runs_dir=small_disk / "runs"))
    assert done.code == 2 and "read-only" in done.err and len(done.err.splitlines()) == 2


def test_an_existing_run_is_never_overwritten(home: Path, undisturbed: Path) -> None:
    before = (undisturbed / "metrics.jsonl").read_bytes()
    done = r1("train", "zero", *overrides(home, run_id="undisturbed"))
    assert done.code == 2 and "exists already" in done.err and "r1 resume undisturbed" in done.err
    assert (undisturbed / "metrics.jsonl").read_bytes() == before
