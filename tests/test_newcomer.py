"""Does what docs/design.md says, in a copy of the program: a task, a verifier, a reward, a metric, a stage.

The same runs show which names a run really writes, so that docs/metrics.md lists those and no others.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from newcomer import extended_copy, names_in
from toys import toy_directory

pytestmark = pytest.mark.slow

TOY = "model.path=toy stage.max_completion_tokens=12 stage.eval.problems=4 stage.eval.every=0 run_id="
ZERO = (
    "train zero task=sums reward.bare.weight=0.1 stage.steps=2 stage.prompts_per_step=2 stage.group_size=2 "
)
ZERO += "stage.kl_weight=0.001 stage.samples_every=1 stage.save_every=0 "
MEASURE = "task=sums reward.bare.weight=0.1 stage.eval.samples=2 "
BASE = "train base stage.documents=4 stage.batch_documents=4 stage.micro_batch=2 "
BASE += "stage.trl.lr_scheduler_type=constant stage.trl.lr_scheduler_kwargs={} stage.trl.warmup_steps=0 "
EXACT = f"train zero task=riddles task.verifier=exact {TOY}riddles stage.prompts_per_step=2 --dry-run"
MINE = "train zero model=mine --cfg"

# One process for all: importing the training libraries takes longer than the runs.
SCRIPT = f"""
from r1cli import stages
from r1cli.cli import app
from r1cli.config import compose
from r1cli.runs import store

for line in {[EXACT, MINE, ZERO + TOY + "zero", BASE + TOY + "base"]!r}:
    code = app(line.split(), prog_name="r1", standalone_mode=False)
    assert not code, (line, code)
config = compose.load("measure", {(MEASURE + TOY + "measure").split()!r})
run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
stages.run(config, run, [], print)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directories `zero`, `base` and `measure` of the extended copy."""
    home = extended_copy(tmp_path_factory.mktemp("newcomer"))
    toy_directory(home / "toy")
    riddles = [{"riddle": f"what comes after {n} ?", "solution": f"{n + 1}"} for n in range(60)]
    (home / "riddles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in riddles))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
    )
    logs = "\n".join(path.read_text()[-3000:] for path in home.glob("runs/*/logs/*"))
    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}\n{logs}"
    return home / "runs"


def rows(run: Path, name: str = "metrics.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


def train_names(run: Path) -> set[str]:
    return {name for row in rows(run) if "loss" in row for name in row}


def eval_names(run: Path) -> set[str]:
    return {name for row in rows(run) if "eval/accuracy" in row for name in row}


def plain(names: set[str]) -> set[str]:
    """The names as docs/metrics.md writes them: `<…>` for what a config, a list or TRL decides."""
    for pattern, name in (
        (r"reward/(?!total$|std$)\w+", "reward/<term>"),
        (r"aha/word/\w+", "aha/word/<word>"),
        (r"trl/.+", "trl/<name>"),
    ):
        names = {re.sub(rf"^(eval/)?{pattern}$", rf"\g<1>{name}", known) for known in names}
    return names


ALWAYS = {"step", "time"}
NEW = {"repetition", "eval/repetition"}


def test_a_new_task_reward_and_metric_train(runs: Path) -> None:
    trained = rows(runs / "zero")
    assert [row["step"] for row in trained if "loss" in row] == [1, 2]
    assert {"reward/bare", "repetition"} <= train_names(runs / "zero")
    assert {"eval/reward/bare", "eval/repetition"} <= eval_names(runs / "zero")
    problems = {row["problem"] for row in rows(runs / "zero", "samples.jsonl")}
    assert problems and all(re.fullmatch(r"sums:\d+\+\d+", problem) for problem in problems)
    assert (runs / "zero" / "model" / "model.safetensors").is_file()


def test_a_new_stage_measures(runs: Path) -> None:
    (row,) = rows(runs / "measure")
    assert row["step"] == 0 and row["eval/n"] == 8.0  # 4 problems x 2 samples
    assert json.loads((runs / "measure" / "manifest.json").read_text())["status"] == "done"


def test_what_a_run_logs_is_documented_and_nothing_else(runs: Path) -> None:
    shared = names_in("Measured from the completions")
    train, evals = names_in("Train rows only"), names_in("Eval rows only")
    found = plain(train_names(runs / "zero")) - NEW
    assert found - shared - train == set()
    assert train - found <= {"trl/<name>"}
    measured = {f"eval/{name}" for name in shared}
    for run in ("zero", "measure"):
        seen = plain(eval_names(runs / run)) - NEW
        assert seen - measured - evals - ALWAYS == set()
    assert evals <= eval_names(runs / "zero")


def test_what_pretraining_logs_is_documented(runs: Path) -> None:
    assert train_names(runs / "base") <= names_in("Train rows only")
    known = names_in("Measured from the completions") | names_in("Rows of `r1 train base`")
    known = {name if name.startswith("probe/") else f"eval/{name}" for name in known}
    assert (
        plain(eval_names(runs / "base")) - known - names_in("Eval rows only") == NEW - {"repetition"} | ALWAYS
    )
