"""What is measured at each step of a GRPO run."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from r1cli.config.schema import Config
from r1cli.config.stage_schema import ZeroStage
from r1cli.metrics.rollouts import Rollout, step_metrics
from r1cli.stages.grading import Grader
from r1cli.stages.output import Output
from r1cli.stages.trainer import Clock

Row = dict[str, Any]

# TRL's names -> r1's. What is in neither table is kept as `trl/<name>`; `_OURS` are the same facts that r1
# counts itself, from the rollouts.
_NAMES = {
    "loss": "loss",
    "entropy": "entropy",
    "kl": "kl",
    "clip_ratio/region_mean": "clip_ratio",
    "learning_rate": "lr",
    "grad_norm": "grad_norm",
}
_OURS = (
    "completions/",
    "rewards/",
    "reward",
    "reward_std",
    "frac_reward_zero_std",
    "num_tokens",
    "step_time",
    "epoch",
    "clip_ratio/",
)


class Recorder(TrainerCallback):
    """Measures each step from its rollouts; the main process writes `metrics.jsonl` and `samples.jsonl`."""

    def __init__(
        self, config: Config, grader: Grader, clock: Clock, output: Output, prompt_tokens: Sequence[int]
    ) -> None:
        """`prompt_tokens[i]` is the length of problem i's prompt."""
        assert isinstance(config.stage, ZeroStage)
        self._config, self._stage = config, config.stage
        self._grader, self._clock, self._output = grader, clock, output
        self._prompt_tokens = prompt_tokens
        self._totals = {"tokens/prompt": 0.0, "tokens/completion": 0.0, "cost/device_seconds": 0.0}
        self._gathered: list[Rollout] = []
        self._measured: Collection[str] = ()
        self._began = time.perf_counter()
        self._recording = 0.0

    def continue_from(self, row: Mapping[str, float] | None) -> None:
        """Take up the cumulative counters from the last training row of a resumed run, if it has one."""
        if row is not None:
            self._totals = {name: float(row[name]) for name in self._totals}

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock of a step."""
        self._began = time.perf_counter()

    def measure(self) -> dict[str, float]:
        """Metrics of the step that has just ended, over all processes; they join TRL's own in its log."""
        total = time.perf_counter() - self._began
        began = time.perf_counter()
        fresh = gather_object(self._grader.take())
        self._gathered = fresh or self._gathered
        spent = self._clock.take()
        completion = sum(r.completion.tokens for r in fresh)
        self._totals["tokens/completion"] += completion
        self._totals["tokens/prompt"] += sum(self._prompt_tokens[r.group] for r in fresh)
        self._totals["cost/device_seconds"] += total * self._config.launcher.processes
        generate, reward = spent.get("generate", 0.0), spent.get("reward", 0.0)
        measured = (
            step_metrics(self._gathered)
            | self._totals
            | {
                "cost/usd": self._totals["cost/device_seconds"]
                / 3600
                * self._config.launcher.usd_per_device_hour,
                "time/generate": generate,
                "time/reward": reward,
                "time/update": total - generate - reward,
                "time/total": total,
                "tokens_per_second": completion / total,
                "time/record": self._recording,
            }
        )
        self._measured = measured.keys()
        self._recording = time.perf_counter() - began
        return measured

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Row | None = None,
        **_: Any,
    ) -> None:
        """Write the row of a step."""
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        began = time.perf_counter()
        step = state.global_step
        self._output.row(train_row(step, logs, self._measured))
        if step % self._stage.samples_every == 0 or step == 1:
            self._output.samples(step, "train", self._gathered)
        self._recording += time.perf_counter() - began


def train_row(step: int, logs: Mapping[str, Any], measured: Collection[str]) -> Row:
    """A row of `metrics.jsonl` from TRL's merged log: stable names, no missing values."""
    row: Row = {"step": step, "time": time.time()}
    for name, value in logs.items():
        if value is None:
            continue
        if name in _NAMES:
            row[_NAMES[name]] = value
        elif name in measured:
            row[name] = value
        elif not name.startswith(_OURS):
            row[f"trl/{name}"] = value
    return row
