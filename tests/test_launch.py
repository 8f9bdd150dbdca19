"""Two data-parallel processes on the CPU: one run, stopped in order, and nothing left when one dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy_zero import ROOT, eval_rows, lay_out, manifest, overrides, r1, rows, start, train_rows, weights

from r1cli import stages
from r1cli.config import compose
from r1cli.runs import store
from r1cli.runs.run import is_eval
from r1cli.stages.launch import Tail

pytestmark = pytest.mark.slow

TWO = {"launcher__processes": 2, "launcher__threads": 1}
ENDLESS: dict[str, Any] = TWO | {"stage__steps": 5000, "stage__save_every": 0, "stage__eval__every": 0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("launch"))


def until(happened: Callable[[], object], seconds: float = 240) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def workers(run: Path) -> list[int]:
    """Process ids of the living workers of a run, rank 0 first."""
    found: dict[str, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_text().split("\0")
            if "r1cli.stages.worker" in words and str(run) in words:
                settings = (entry / "environ").read_text().split("\0")
                found[next(word for word in settings if word.startswith("RANK="))] = int(entry.name)
        except (OSError, StopIteration):  # not a process, or one that is just ending
            continue
    return [found[rank] for rank in sorted(found)]


def started(home: Path, name: str, **more: Any) -> "tuple[subprocess.Popen[str], Path]":
    """A run of two workers that has written its first rows."""
    process = start(["train", "zero", *overrides(home, run_id=name, **{**ENDLESS, **more})], home)
    run = home / "runs" / name
    metrics = run / "metrics.jsonl"
    until(lambda: process.poll() is not None or (metrics.exists() and len(rows(metrics)) > 3))
    return process, run


def test_two_processes_write_one_run(home: Path) -> None:
    done = r1("train", "zero", *overrides(home, run_id="two", **TWO))
    run = home / "runs" / "two"
    assert done.code == 0, done.err
    assert "2 processes x 1 x 8" in done.out
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3, 4]
    assert [row["step"] for row in eval_rows(run)] == [0, 2, 4]
    assert {row["eval/n"] for row in eval_rows(run)} == {8.0}
    for row in train_rows(run):
        samples = [s for s in rows(run / "samples.jsonl") if (s["kind"], s["step"]) == ("train", row["step"])]
        assert len(samples) == 16 and len({s["problem"] for s in samples}) == 4, "from both processes"
        assert row["accuracy"] == sum(s["verdict"] == "right" for s in samples) / 16
        assert row["tokens/prompt"] == row["step"] * 128
    spent = sum(row["time/total"] for row in train_rows(run))
    assert train_rows(run)[-1]["cost/device_seconds"] == pytest.approx(2 * spent)
    assert manifest(run)["status"] == "done" and workers(run) == []
    before, after = weights(home / "toy"), weights(run / "model")
    assert before.keys() == after.keys() and any(not before[name].equal(after[name]) for name in before)
    assert "step 4/4" in done.out, "the table hears of every row"


def test_listeners_hear_of_every_row_and_every_sample(home: Path) -> None:
    class Ear:
        def __init__(self) -> None:
            self.heard: list[dict[str, Any]] = []

        def row(self, row: dict[str, Any]) -> None:
            self.heard.append(row)

        sample = row

    ear, settings = Ear(), {**TWO, "stage__steps": 2, "stage__save_every": 0}
    config = compose.load("zero", overrides(home, run_id="heard", **settings))
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    stages.run(config, run, [ear], pytest.fail)
    samples = [row for row in ear.heard if "kind" in row]
    assert samples == rows(run.samples) and {row["kind"] for row in samples} == {"train", "probe"}
    assert [row for row in ear.heard if "kind" not in row] == rows(run.metrics)
    for place, row in enumerate(ear.heard):
        if is_eval(row):
            probes = [s for s in ear.heard if (s.get("kind"), s["step"]) == ("probe", row["step"])]
            assert len(probes) == 4 and all(s in ear.heard[:place] for s in probes), "samples come first"


def test_new_lines_are_read_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"step": 1}\n')
    tail = Tail(path)
    assert tail.rows() == []
    with path.open("a") as file:
        file.write('{"step": 2}\n{"step": 3}\n{"st')
    assert tail.rows() == [{"step": 2}, {"step": 3}]
    assert tail.rows() == []
    with path.open("a") as file:
        file.write('ep": 4}\n')
    assert tail.rows() == [{"step": 4}]
    late = Tail(tmp_path / "late.jsonl")
    assert late.rows() == []
    (tmp_path / "late.jsonl").write_text('{"step": 1}\n')
    assert late.rows() == [{"step": 1}]


PEAK = """
import subprocess, sys
from r1cli.stages.process import peak_memory_gb
alone = peak_memory_gb()
larger = int(alone * 1e9) + 200_000_000
subprocess.run([sys.executable, "-c", f"x = b'x' * {larger}"], check=True)
print(alone, peak_memory_gb())
"""


def test_the_peak_of_memory_is_that_of_the_largest_process() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], cwd=ROOT, capture_output=True, text=True, check=True)
    alone, peak = map(float, done.stdout.split())
    assert alone + 0.2 <= peak < alone + 0.3


def test_both_stop_in_order_and_resume_goes_on(home: Path) -> None:
    process, run = started(home, "stopped", stage__steps=150)
    assert len(workers(run)) == 2
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (75, "interrupted. Go on with `r1 resume stopped`.\n")
    assert manifest(run)["status"] == "interrupted" and workers(run) == []
    last = train_rows(run)[-1]["step"]
    assert last < 150 and (run / "checkpoints" / f"checkpoint-{last}" / "rng_state_1.pth").is_file()
    done = r1("resume", "stopped", "--runs-dir", str(home / "runs"))
    assert (done.code, done.err) == (0, "")
    assert [row["step"] for row in train_rows(run)] == list(range(1, 151))
    assert [row["step"] for row in eval_rows(run)] == [0, 150]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_worker_that_dies_ends_the_run(home: Path, rank: int) -> None:
    process, run = started(home, f"dies{rank}")
    os.kill(workers(run)[rank], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback (most" not in err
    assert f"process {rank} of the run was killed by SIGKILL; see" in err
    assert f"worker_{rank}.log" in err and "killed by SIGKILL" in manifest(run)["reason"]
    assert manifest(run)["status"] == "failed" and workers(run) == []


def test_a_mistake_found_by_the_workers_is_told_as_one(home: Path) -> None:
    done = r1(
        "train", "zero", *overrides(home, run_id="long", **{**TWO, "stage__max_completion_tokens": 250})
    )
    assert done.code == 2 and "at most 248" in done.err and len(done.err.splitlines()) == 2
    assert "context of 256" in manifest(home / "runs" / "long")["reason"]
    assert workers(home / "runs" / "long") == []


def test_no_worker_outlives_a_killed_parent(home: Path) -> None:
    process, run = started(home, "orphans")
    assert len(workers(run)) == 2
    process.kill()
    process.communicate()
    until(lambda: workers(run) == [], seconds=20)


def test_an_impatient_user_leaves_nothing_behind(home: Path) -> None:
    process, run = started(home, "impatient")
    found = workers(run)
    for worker in found:  # so that they cannot end in order
        os.kill(worker, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "interrupted. Go on with `r1 resume impatient`.\n")
    assert workers(run) == []
