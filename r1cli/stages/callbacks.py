"""When a run is evaluated and when it stops."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl.models.utils import unwrap_model_for_generation

from r1cli.metrics.rollouts import Rollout
from r1cli.stages.evaluate import HeldOut, eval_row, evaluate
from r1cli.stages.output import Output
from r1cli.stages.stop import Interrupted

Row = dict[str, Any]


class AllLearned(Exception):
    """Raised out of the trainer when a run is resumed at its last step: transformers would do one more."""


class Evaluator(TrainerCallback):
    """Held-out evaluation before step 1, every `every` steps and at the end.

    `trainer` must be set before training starts; `further` adds metrics of a stage's own to the row.
    """

    def __init__(
        self,
        held: HeldOut,
        output: Output,
        should_stop: Callable[[], bool],
        further: Callable[[Sequence[Rollout]], Row] = lambda rollouts: {},
    ) -> None:
        self._held, self._output, self._should_stop, self._further = held, output, should_stop, further
        self._done: set[int] = set()
        self.trainer: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Measure the untrained policy, or a resumed one at a checkpoint that was saved without."""
        self._done = self._output.evaluated()
        ended = state.global_step >= state.max_steps
        if ended or self._due(state.global_step):
            self._evaluate(state)
        if asked(self._should_stop):  # a step more would be learned from a policy that was never measured
            raise Interrupted
        if ended:
            raise AllLearned

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Row | None = None,
        **_: Any,
    ) -> None:
        """Measure every so many steps."""
        if logs and "loss" in logs and self._due(state.global_step):
            self._evaluate(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Measure what has been learned."""
        if state.global_step >= state.max_steps:
            self._evaluate(state)

    def _due(self, step: int) -> bool:
        every = self._held.settings.every
        return step == 0 or (every > 0 and step % every == 0)

    def _evaluate(self, state: TrainerState) -> None:
        if state.global_step in self._done or asked(self._should_stop):
            return
        accelerator = self.trainer.accelerator
        began = time.perf_counter()
        with unwrap_model_for_generation(self.trainer.model_wrapped, accelerator) as model:
            rollouts = evaluate(
                model,
                self._held,
                rank=accelerator.process_index,
                ranks=accelerator.num_processes,
                should_stop=self._should_stop,
            )
        if rollouts is None:
            return
        self._done.add(state.global_step)
        if state.is_world_process_zero:
            seconds = time.perf_counter() - began
            row = {"step": state.global_step, "time": time.time(), "eval/seconds": seconds}
            # Before the row, with which a listener sends them on.
            self._output.samples(state.global_step, "probe", rollouts)
            self._output.row(row | eval_row(rollouts) | self._further(rollouts))


class Stopper(TrainerCallback):
    """Ends training at a step boundary, with a checkpoint, when any process was asked to stop."""

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        self._should_stop = should_stop
        self.stopped = False

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Ask all processes."""
        self._ask(control)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Row | None = None,
        **_: Any,
    ) -> None:
        """Ask again after an evaluation, so that the one that was cut short is made up for on resuming."""
        if logs and "loss" in logs:
            self._ask(control)

    def _ask(self, control: TrainerControl) -> None:
        if asked(self._should_stop):
            self.stopped = control.should_training_stop = control.should_save = True


def asked(should_stop: Callable[[], bool]) -> bool:
    """Whether any process was asked to stop: all get the same answer, so none waits for another in vain."""
    return any(gather_object([should_stop()]))
