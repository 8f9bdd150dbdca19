"""Whole runs of `r1 train zero` in seconds: a toy that already answers, a table of toy problems, the CLI."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from toys import toy_model, toy_tokenizer
from typer.testing import CliRunner

from r1cli import stages
from r1cli.config import compose
from r1cli.runs import store
from r1cli.runs.run import is_eval

ROOT = Path(__file__).parents[1]

SETTINGS = {
    "task": "gsm8k",
    "stage.steps": 4,
    "stage.prompts_per_step": 4,
    "stage.group_size": 4,
    "stage.micro_batch": 8,
    "stage.max_completion_tokens": 14,
    "stage.learning_rate": 3e-3,
    "stage.save_every": 2,
    "stage.samples_every": 1,
    "stage.samples_prompts": 4,
    "stage.eval.problems": 8,
    "stage.eval.every": 2,
    "stage.eval.batch": 8,
    "stage.trl.warmup_steps": 1,
    "seed": 3,
}
"""Small enough for a second a step; every prompt of a step is in samples.jsonl."""


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def r1(*words: str) -> Said:
    """`r1 WORDS` in this process."""
    from r1cli.cli import app

    done = CliRunner().invoke(app, words, prog_name="r1")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout, done.stderr)


def start(
    words: Sequence[str], folder: Path, program: Sequence[str] = ("-m", "r1cli"), **environment: str
) -> "subprocess.Popen[str]":
    """`r1 WORDS` as a process of its own, working in `folder`."""
    return subprocess.Popen(
        [sys.executable, *program, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def overrides(folder: Path, **more: Any) -> list[str]:
    """Settings of a toy run in `folder`, filled by `lay_out`; in the names of `more`, `__` is a dot."""
    chosen: dict[str, Any] = {
        **SETTINGS,
        "model.path": folder / "toy",
        "task.path": folder / "train.jsonl",
        "task.heldout_path": folder / "heldout.jsonl",
        "runs_dir": folder / "runs",
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return [f"{name}={value}" for name, value in chosen.items()]


def lay_out(folder: Path) -> Path:
    """A taught toy and tables of 40 and 12 problems in `folder`."""
    taught(folder / "toy")
    write_table(folder / "train.jsonl", range(40))
    write_table(folder / "heldout.jsonl", range(60, 72))
    return folder


def write_table(path: Path, numbers: Sequence[int]) -> None:
    """Questions as in `make 2 from 6`, whose answer is 2."""
    rows = [{"question": f"make {n % 4} from {n}", "answer": f"so #### {n % 4}"} for n in numbers]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def taught(path: Path, seed: int = 0) -> Path:
    """A toy that has seen 60 batches of responses: it mostly keeps the format and guesses 0 to 3."""
    import torch

    tokenizer, model = toy_tokenizer(), toy_model(seed)
    draw = random.Random(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(60):
        batch = tokenizer([_text(draw) for _ in range(32)], padding=True, return_tensors="pt")
        ids = batch["input_ids"]
        labels = ids.masked_fill(batch["attention_mask"] == 0, -100)
        loss = model(input_ids=ids, attention_mask=batch["attention_mask"], labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def _text(draw: random.Random) -> str:
    number = draw.randrange(72)
    thought = " ".join(draw.choices(["wait", "check", "no", "yes", "+"], k=draw.randint(1, 5)))
    think = f"<think> {thought} </think>" if draw.random() < 0.8 else thought
    answer = f"<answer> {draw.randrange(4)} </answer>"
    return f"User : make {number % 4} from {number} Assistant : {think} {answer} <|endoftext|>"


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a `.jsonl` file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def train_rows(run: Path) -> list[dict[str, Any]]:
    """The rows of `metrics.jsonl` that are training steps."""
    return [row for row in rows(run / "metrics.jsonl") if not is_eval(row)]


def eval_rows(run: Path) -> list[dict[str, Any]]:
    """The rows of `metrics.jsonl` that are evaluations."""
    return [row for row in rows(run / "metrics.jsonl") if is_eval(row)]


def manifest(run: Path) -> dict[str, Any]:
    """`manifest.json`."""
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text())
    return found


def weights(directory: Path) -> dict[str, Any]:
    """Name -> tensor of a saved model."""
    from safetensors.torch import load_file

    return dict(load_file(directory / "model.safetensors"))


def train(home: Path, name: str, **more: Any) -> Path:
    """A finished run called `name`."""
    settings = {"stage__max_completion_tokens": 10, **more}
    done = r1("train", "zero", *overrides(home, run_id=name, **settings))
    assert done.code == 0, done.err
    return home / "runs" / name


def step_samples(run: Path, step: int) -> list[dict[str, Any]]:
    """Every response of a training step, as `samples.jsonl` has them under `SETTINGS`."""
    found = [s for s in rows(run / "samples.jsonl") if s["kind"] == "train" and s["step"] == step]
    assert len(found) == 16, "4 prompts x 4 completions"
    return found


def resume(run: Path) -> None:
    """`r1 resume`, which must get to the end."""
    done = r1("resume", run.name, "--runs-dir", str(run.parent))
    assert (done.code, done.err) == (0, "")
    assert manifest(run)["status"] == "done"


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
    config = compose.load("zero", overrides(home, **more))
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    with pytest.raises(stages.Interrupted):
        stages.run(config, run, [StopAt(count)], lambda text: None)
    assert manifest(run.dir)["status"] == "interrupted"
    return run.dir
