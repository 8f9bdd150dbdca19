"""What happens to a run that is interrupted or killed: nothing is lost, nothing is learned twice."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toy_zero import (
    eval_rows,
    lay_out,
    manifest,
    overrides,
    r1,
    resume,
    rows,
    start,
    stopped_at,
    train_rows,
    weights,
    write_table,
)

from r1cli.runs import provenance
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


@pytest.mark.parametrize(
    ("name", "more"),
    [
        (
            "table",
            {"task__path": "few.jsonl"},
        ),  # two rounds of 8 rows are a step more than the three asked for
        ("reused", {"stage__trl__num_iterations": 2}),  # TRL asks every prompt again: twice the steps
    ],
)
def test_nothing_is_learned_after_the_last_step(home: Path, name: str, more: dict[str, Any]) -> None:
    write_table(home / "few.jsonl", range(8))
    if "task__path" in more:
        more = {"task__path": home / "few.jsonl"}
    settings = {"stage__steps": 3, "stage__save_every": 0, **more}
    assert r1("train", "zero", *overrides(home, run_id=name, **settings)).code == 0
    run = stopped_at(home, 5, run_id=f"{name}-stopped", **settings)  # before the last evaluation
    found = Run(run).last_checkpoint()
    assert found is not None and found.name == "checkpoint-3"
    resume(run)
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3]
    assert [row["step"] for row in eval_rows(run)] == [0, 2, 3]
    same_course(run, home / "runs" / name)


def test_a_resume_tells_of_other_versions_and_writes_them_down(home: Path) -> None:
    run = stopped_at(home, 3, run_id="older", stage__save_every=0)
    here = provenance.packages()
    commit = provenance.commit()
    Run(run).update(packages=here | {"trl": "1.0.0", "vllm": "0.9"}, commit="ab" * 20 + "-dirty", machine={
        **manifest(run)["machine"], "cores": 99,
    })  # fmt: skip
    done = r1("resume", run.name, "--runs-dir", str(run.parent))
    assert done.code == 0, done.err
    said = [line for line in done.out.splitlines() if line.endswith("the rest of the run may differ")]
    assert len(said) == 1
    was, _, is_now = said[0].partition(", now ")
    assert was == "made with trl 1.0.0, vllm 0.9, commit abababababab-dirty"
    assert is_now.startswith(f"trl {here['trl']}, no vllm, {'no commit' if commit is None else 'commit '}")
    found = manifest(run)
    assert (found["packages"], found["commit"], found["machine"]["cores"] != 99) == (here, commit, True)
    again = stopped_at(home, 1, run_id="as-before")
    assert "may differ" not in r1("resume", again.name, "--runs-dir", str(again.parent)).out


def test_lora_goes_on_where_it_stopped(home: Path) -> None:
    lora = {"model__lora": 2, "stage__learning_rate": 0.05}
    assert r1("train", "zero", *overrides(home, run_id="lora", **lora)).code == 0
    run = stopped_at(home, 2, run_id="lora-stopped", **lora)
    resume(run)
    same_course(run, home / "runs" / "lora")


def test_an_existing_run_is_never_overwritten(home: Path, undisturbed: Path) -> None:
    before = (undisturbed / "metrics.jsonl").read_bytes()
    done = r1("train", "zero", *overrides(home, run_id="undisturbed"))
    assert done.code == 2 and "exists already" in done.err and "r1 resume undisturbed" in done.err
    assert (undisturbed / "metrics.jsonl").read_bytes() == before
