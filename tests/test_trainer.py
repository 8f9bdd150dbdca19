"""What r1 adds to TRL's trainer must not change what it learns. Fails when TRL's private methods move."""

from pathlib import Path
from typing import Any

import pytest
import torch
from toys import toy_directory, toy_model, toy_tokenizer

from r1cli.stages.trainer import (
    Clock,
    ZeroTrainer,
    by_length,
    rollout,
    samples_plainly,
    trimmed,
    weighted_mean,
)


def batch(lengths: list[int], width: int, prompt: int = 3) -> dict[str, Any]:
    """A micro-batch as TRL makes it; row i is marked by its advantage."""
    mask = torch.tensor([[1] * n + [0] * (width - n) for n in lengths])
    rows = len(lengths)
    return {
        "prompt_ids": torch.ones(rows, prompt, dtype=torch.long),
        "prompt_mask": torch.tensor([[0, 1, 1]] * rows),
        "completion_ids": mask * 7,
        "completion_mask": mask,
        "advantages": torch.tensor([float(n) for n in lengths]),
        "num_items_in_batch": torch.tensor(99),
    }


def test_rows_are_grouped_by_length_and_stay_whole() -> None:
    first, second = by_length([batch([5, 1], 6), batch([6, 2], 6)])
    assert first["advantages"].tolist() == [1.0, 2.0]
    assert second["advantages"].tolist() == [5.0, 6.0]
    assert second["completion_mask"].sum(1).tolist() == [5, 6]
    assert int(first["num_items_in_batch"]) == 99


def test_padding_columns_are_cut_and_nothing_else() -> None:
    cut = trimmed(batch([1, 2], 6))
    assert cut["completion_ids"].tolist() == [[7, 0], [7, 7]]
    assert cut["prompt_mask"].tolist() == [[1, 1], [1, 1]]
    assert cut["advantages"].tolist() == [1.0, 2.0]


def test_a_batch_of_masked_completions_survives() -> None:
    # mask_truncated_completions=True may blank every row of a micro-batch
    assert trimmed(batch([0, 0], 4))["completion_ids"].shape == (2, 1)


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, True),
        ({"top_p": 1.0, "top_k": 0}, True),
        ({"top_p": 0.9}, False),
        ({"use_vllm": True}, False),
        ({"repetition_penalty": 1.1}, False),
        ({"generation_kwargs": {"typical_p": 0.5}}, False),
    ],
)
def test_own_sampler_only_for_plain_sampling(options: dict[str, Any], plain: bool) -> None:
    assert samples_plainly(options) is plain


def test_micro_batches_count_by_their_tokens() -> None:
    # 10 tokens at 0.5 and 30 at 0.1: (5 + 3) / 40
    assert weighted_mean([0.5, 0.1], [10, 30]) == pytest.approx(0.2)
    assert weighted_mean([0.5, 0.1], [0, 0]) == pytest.approx(0.3)


def learn(trainer_class: type[Any], folder: Path, **extra: Any) -> tuple[torch.Tensor, list[dict[str, Any]]]:
    """Three steps on a dense toy reward (share of `wait`); the weights as one vector, and the log."""
    from datasets import Dataset
    from trl import GRPOConfig

    def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [sum(i % 2 for i in ids) / len(ids) for ids in completion_ids]

    args = GRPOConfig(
        output_dir=str(folder),
        max_steps=3,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        num_generations=4,
        max_completion_length=24,
        learning_rate=1e-2,
        bf16=False,
        use_cpu=True,
        report_to="none",
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        seed=11,
    )
    prompts = [f"User : make {n} from 3 4 1 . Assistant :" for n in range(12)]
    trainer = trainer_class(
        model=toy_model(4),
        reward_funcs=[reward],
        args=args,
        processing_class=toy_tokenizer(),
        train_dataset=Dataset.from_dict({"prompt": prompts}),
        rollout_func=rollout,
        **extra,
    )
    trainer.train()
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()]), trainer.state.log_history


def test_learns_exactly_what_trl_learns(tmp_path: Path) -> None:
    from trl import GRPOTrainer

    stock, history = learn(GRPOTrainer, tmp_path / "stock")
    clock = Clock()
    ours, logged = learn(ZeroTrainer, tmp_path / "ours", clock=clock, measure=lambda: {"accuracy": 0.5})
    start = torch.cat([p.detach().flatten() for p in toy_model(4).parameters()])
    assert (stock - start).abs().max() > 1e-3, "the toy must learn something"
    # float32 sums in another order: 2e-4 is far below the 1e-2 that a single Adam step moves a weight
    assert torch.allclose(ours, stock, atol=2e-4)
    assert logged[0]["entropy"] != history[0]["entropy"], "a mean over tokens, not over micro-batches"
    for theirs, mine in zip(history[:3], logged[:3], strict=True):
        assert mine["reward"] == pytest.approx(theirs["reward"], abs=1e-6)
        assert mine["accuracy"] == 0.5, "r1's measures reach TRL's own history"
    assert {"generate", "reward"} <= clock.take().keys()


def test_toy_directory_is_an_ordinary_model(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = toy_directory(tmp_path / "toy")
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert tokenizer("make 13 from 3")["input_ids"] == toy_tokenizer()("make 13 from 3")["input_ids"]
    assert AutoModelForCausalLM.from_pretrained(path).num_parameters() == toy_model().num_parameters()
