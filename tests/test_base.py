"""Pretraining from nothing: every text once and in order, the same weights from the same seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from r1cli import stages
from r1cli.config import compose
from r1cli.config.stage_schema import BaseStage
from r1cli.runs import store
from r1cli.runs.files import read_jsonl
from r1cli.runs.run import Run

SHORT = [
    "stage.documents=168",  # six steps of 28
    "stage.eval.problems=8",
    "stage.max_completion_tokens=12",
    "stage.trl.warmup_steps=1",
    "stage.trl.lr_scheduler_kwargs.num_decay_steps=2",
]


def made(folder: Path, *words: str) -> Run:
    config = compose.load("base", [*SHORT, f"runs_dir={folder}", *words])
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    stages.run(config, run, (), lambda text: None)
    return run


def weights(run: Run) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(run.model)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_texts_of_a_step_are_sorted_and_none_is_lost() -> None:
    from r1cli.nano import corpus
    from r1cli.stages import base

    config = compose.load("base", SHORT)
    assert isinstance(config.stage, BaseStage) and config.task.kind == "countdown"
    policy = base.new_policy(config)
    read = list(base.texts(config, policy))
    stop = policy.tokenizer.eos_token_id
    plain = corpus.documents(config.seed, 168, config.stage.corpus, config.task)
    written = [[*policy.tokenizer(text)["input_ids"], stop] for text in plain]
    steps = [slice(i, i + 28) for i in range(0, 168, 28)]
    assert [sorted(read[s]) for s in steps] == [sorted(written[s]) for s in steps]
    assert all([len(t) for t in read[s]] == sorted(len(t) for t in read[s]) for s in steps)
    assert all(text.count(stop) == 1 for text in read), "the stop token is learned, and only at the end"


@pytest.mark.slow
def test_the_same_seed_makes_the_same_model(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a"), made(tmp_path / "b")
    other = made(tmp_path / "c", "seed=1")
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))
    rows = read_jsonl(first.metrics)
    losses = [row["loss"] for row in rows if "loss" in row]
    assert len(losses) == 6 and losses[-1] < losses[0], "it learns from the first steps on"
    assert [row["step"] for row in rows if "eval/accuracy" in row] == [0, 6]


@pytest.mark.slow
def test_deepseek_v3s_own_form_is_trained_end_to_end(tmp_path: Path) -> None:
    """Latent attention and a mixture of experts: made from nothing, then reinforced."""
    base = made(tmp_path, "model=nano-v3")
    from transformers import AutoConfig

    settings: Any = AutoConfig.from_pretrained(base.model)
    assert settings.model_type == "deepseek_v3"
    words: Sequence[str] = [
        "model=nano-v3", f"model.path={base.model}", f"runs_dir={tmp_path}", "stage.steps=2",
        "stage.prompts_per_step=4", "stage.group_size=4", "stage.max_completion_tokens=12",
        "stage.eval.problems=8", "stage.eval.every=0", "stage.trl.warmup_steps=0",
    ]  # fmt: skip
    config = compose.load("zero", words)
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    stages.run(config, run, (), lambda text: None)
    assert run.status() == "done"
    assert weights(run).shape == weights(base).shape
