"""What happens when something fails: a reward raises, a report breaks, the disk is full. Nothing is lost."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_zero import lay_out, manifest, overrides, r1, resume, rows, train_rows, weights

from r1cli import stages
from r1cli.config import compose
from r1cli.problem import Completion, Problem, Verdict
from r1cli.report import curves, summary
from r1cli.rewards import REWARDS
from r1cli.runs import store
from r1cli.runs.run import Run
from r1cli.stages import Interrupted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("failures"))


# ── a reward that raises ──


def test_a_reward_that_raises_ends_the_run_and_loses_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def fragile(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        asked.append((problem.id, completion.text))
        if len(asked) == 8 + 2 * 16 + 8 + 6:  # evaluation, two steps, evaluation, the sixth of the third step
            raise ZeroDivisionError("no luck")
        return 0.5

    monkeypatch.setitem(REWARDS, "fragile", fragile)
    settings = {"run_id": "fragile", "reward__fragile__weight": 1, "stage__save_every": 0}
    done = r1("train", "zero", *overrides(home, **settings))
    run = home / "runs" / "fragile"
    problem, text = asked[8 + 2 * 16 + 8 + 5]
    said = f"reward `fragile` on problem `{problem}`: ZeroDivisionError: no luck"
    assert done.code == 1 and len(done.err.splitlines()) == 2
    assert f"{said}; its completion is in {run / 'samples.jsonl'} (kind `failed`)\n" in done.err
    failed = [row for row in rows(run / "samples.jsonl") if row["kind"] == "failed"]
    assert [(row["problem"], row["completion"]) for row in failed] == asked[-16:], "the whole batch"
    assert {row["step"] for row in failed} == {2}, "after two steps"
    assert [row["rewards"] is None for row in failed] == [i == 5 for i in range(16)]
    broken = failed[5]
    assert (broken["completion"], broken["reason"]) == (text, said) and "Assistant" in broken["prompt"]
    assert manifest(run)["status"] == "failed" and said in manifest(run)["reason"]
    log = (run / "logs" / "attempt_1.log").read_text()
    assert "Traceback" in log and "fragile" in log and 'raise ZeroDivisionError("no luck")' in log
    assert [row["step"] for row in train_rows(run)] == [1, 2]
    assert (run / "checkpoints" / "checkpoint-2" / "model.safetensors").is_file()
    monkeypatch.setitem(REWARDS, "fragile", lambda problem, completion, verdict: 0.5)
    resume(run)
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3, 4]


def test_a_reward_that_raises_in_the_first_evaluation(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeless(problem: Problem, completion: Completion, verdict: Verdict) -> float:
        raise ValueError("two\nlines " + "x" * 400)

    monkeypatch.setitem(REWARDS, "hopeless", hopeless)
    done = r1("train", "zero", *overrides(home, run_id="hopeless", reward__hopeless__weight=1))
    assert done.code == 1 and len(done.err.splitlines()) == 2
    assert "ValueError: two lines xxx" in done.err and "(kind `failed`)" in done.err
    failed = rows(home / "runs" / "hopeless" / "samples.jsonl")
    assert len(failed) == 8 and {(row["kind"], row["step"], row["rewards"]) for row in failed} == {
        ("failed", 0, None)
    }


# ── a second failure ──


class Vandal:
    """A listener that breaks `metrics.jsonl` at its third row, and then does `act`."""

    def __init__(self, path: Path, act: Callable[[], None]) -> None:
        self.path, self.act, self.heard = path, act, 0

    def row(self, row: dict[str, Any]) -> None:
        self.heard += 1
        if self.heard == 3:
            with self.path.open("a") as file:
                file.write("no JSON\n{}\n")
            self.act()

    def sample(self, row: dict[str, Any]) -> None:
        pass


def give_up() -> None:
    raise RuntimeError("the true cause")


@pytest.mark.parametrize(
    ("act", "kind", "status"),
    [
        (give_up, RuntimeError, "failed"),
        (lambda: signal.raise_signal(signal.SIGTERM), Interrupted, "interrupted"),
    ],
)
def test_a_second_failure_does_not_hide_the_first(
    home: Path, act: Callable[[], None], kind: type[BaseException], status: str
) -> None:
    config = compose.load("zero", overrides(home, run_id=f"two-{status}", stage__save_every=0))
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    with pytest.raises(kind) as raised:
        stages.run(config, run, [Vandal(run.metrics, act)], lambda text: None)
    assert "line 4: not a JSON object" in "".join(raised.value.__notes__)
    assert manifest(run.dir)["status"] == status
    if kind is RuntimeError:
        log = (run.logs / "attempt_1.log").read_text()
        assert manifest(run.dir)["reason"] == "RuntimeError: the true cause"
        assert "RuntimeError: the true cause" in log and "line 4: not a JSON object" in log


@pytest.mark.parametrize(("error", "code"), [(None, 0), (Interrupted(), 75)])
def test_a_report_that_fails_changes_no_ending(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: int
) -> None:
    def ends(config: Any, run: Run, listeners: Any, notice: Any) -> None:
        if error is not None:
            raise error

    def broken(run: Run) -> None:
        raise ValueError("no\npicture")

    monkeypatch.setattr(stages, "run", ends)
    monkeypatch.setattr(curves, "draw", broken)
    monkeypatch.setattr(summary, "summarize", broken)
    done = r1("train", "zero", *overrides(home, run_id=f"dull{code}"))
    assert done.code == code
    assert done.out.splitlines()[-2:] == [
        f"{home}/runs/dull{code}/curves.png could not be drawn: ValueError: no picture",
        f"the summary of {home}/runs/dull{code} could not be made: ValueError: no picture",
    ]


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
