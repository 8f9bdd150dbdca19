"""TRL's GRPOTrainer with a clock, r1's metrics in its log, and less padding. Everything else is TRL's.

The overridden methods below are private to TRL 1.16; tests/test_trainer.py fails when they change.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from trl import GRPOTrainer
from trl.models.utils import unwrap_model_for_generation

from r1cli.stages.generate import sample

# These losses sum over the whole accumulation window, so the order of its rows does not change the update.
_ORDER_FREE = frozenset({"grpo", "dr_grpo", "dapo", "cispo"})
# TRL averages these over tokens within a micro-batch and then over micro-batches; grouped by length, a
# micro-batch of guesses would weigh as much as one of searches ten times as long.
_TOKEN_MEANS = ("entropy", "kl", "clip_ratio/region_mean")


class Clock:
    """Seconds spent in each named phase since the last `take`."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Count the time inside to `phase`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spent[phase] += time.perf_counter() - start

    def take(self) -> dict[str, float]:
        """The seconds so far; starts again from nothing."""
        spent, self._spent = dict(self._spent), defaultdict(float)
        return spent


class ZeroTrainer(GRPOTrainer):
    """`measure` is called when a train row is about to be logged; its values join TRL's own."""

    _buffered_inputs: list[dict[str, Any]] | None

    def __init__(
        self, *args: Any, clock: Clock, measure: Callable[[], dict[str, float]], **kwargs: Any
    ) -> None:
        self.clock = clock
        self._measure = measure
        self._tokens: list[float] = []
        super().__init__(*args, **kwargs)

    def _generate(self, prompts: list[Any]) -> Any:
        with self.clock("generate"):
            return super()._generate(prompts)

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Any:
        with self.clock("reward"):
            return super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        window = self.args.steps_per_generation * self.num_iterations
        fresh = self.model.training and (self._step % window == 0 or self._buffered_inputs is None)
        inputs = super()._prepare_inputs(generation_batch)
        if fresh and self._buffered_inputs is not None and self._may_reorder():
            self._buffered_inputs = by_length(self._buffered_inputs)
            inputs = self._buffered_inputs[self._step % self.args.steps_per_generation]
        return trimmed(inputs)

    def _may_reorder(self) -> bool:
        """Whether one update spans all rows and no term of the loss is a mean over its micro-batch."""
        return (
            self.args.steps_per_generation == self.args.gradient_accumulation_steps
            and self.loss_type in _ORDER_FREE
            and not self._entropy_bonus_enabled
        )

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        if self.model.training:
            mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
            self._tokens.append(float(self.accelerator.reduce(mask.sum().float(), reduction="sum")))
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log a row, with r1's metrics in it when it is a training step's."""
        # `_metrics` is merged into the log by TRL; a callback's edits would come too late for the history.
        if self.model.training and "loss" in logs:
            for name in _TOKEN_MEANS:
                if values := self._metrics["train"].get(name):
                    self._metrics["train"][name] = [weighted_mean(values, self._tokens)]
            self._tokens = []
            for name, value in self._measure().items():
                self._metrics["train"][name].append(value)
        super().log(logs, start_time)


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """The mean of `values`, each counted `weights` times; the plain mean when all weights are 0."""
    total = math.fsum(weights)
    if total == 0:
        return math.fsum(values) / len(values)
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / total


def rollout(prompts: list[str], trainer: GRPOTrainer, special: bool = True) -> dict[str, Any]:
    """TRL's `rollout_func`: one completion for each (already repeated) prompt, by `generate.sample`.

    `special` is False for prompts that hold their special tokens already.
    """
    tokenizer = trainer.processing_class
    prompt_ids = tokenizer(text=prompts, add_special_tokens=special)["input_ids"]
    with unwrap_model_for_generation(
        trainer.model_wrapped,
        trainer.accelerator,
        gather_deepspeed3_params=trainer.args.ds3_gather_for_generation,
    ) as model:
        training = model.training
        model.eval()
        completion_ids = sample(
            model,
            prompt_ids,
            stop=trainer.eos_token_ids,
            pad=tokenizer.pad_token_id,
            limit=trainer.max_completion_length,
            temperature=trainer.temperature,
        )
        model.train(training)
    return {"prompt_ids": prompt_ids, "completion_ids": completion_ids, "logprobs": None}


def samples_plainly(options: dict[str, Any]) -> bool:
    """Whether TRL options leave generation to plain sampling, so that `rollout` may do it."""
    neutral = {"top_p": 1.0, "top_k": 0, "min_p": None, "repetition_penalty": 1.0}
    engines = (
        "use_vllm",
        "use_transformers_continuous_batching",
        "generation_kwargs",
        "cache_implementation",
    )
    return not any(options.get(name) for name in engines) and all(
        options.get(name, value) == value for name, value in neutral.items()
    )


def by_length(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows in as many micro-batches, shortest completions first; scalars stay with every batch."""
    size = len(batches[0]["completion_mask"])
    whole = {
        key: torch.cat([batch[key] for batch in batches]) if _is_rows(value, size) else value
        for key, value in batches[0].items()
    }
    order = whole["completion_mask"].sum(1).argsort(stable=True)
    rows = size * len(batches)
    parts = order.split(size)
    return [{k: v[part] if _is_rows(v, rows) else v for k, v in whole.items()} for part in parts]


def trimmed(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch without the columns that are padding in every row: left of prompts, right of completions."""
    prompt, completion = batch["prompt_mask"], batch["completion_mask"]
    used = completion.any(0).nonzero()
    stop = int(used[-1]) + 1 if len(used) else 1
    start = int(prompt.any(0).nonzero()[0])
    width = completion.shape[1]

    def cut(name: str, value: Any) -> Any:
        if name in ("prompt_ids", "prompt_mask"):
            return value[:, start:]
        same = isinstance(value, torch.Tensor) and value.dim() == 2 and value.shape[1] == width
        return value[:, :stop] if same else value

    return {name: cut(name, value) for name, value in batch.items()}


def _is_rows(value: Any, rows: int) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0 and len(value) == rows
