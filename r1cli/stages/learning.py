"""Run a trainer from its last checkpoint; whatever ends it early, what was learned is kept."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object

from r1cli.errors import UserError
from r1cli.rewards import RewardError
from r1cli.runs.files import SPACE
from r1cli.runs.run import Run, step_of
from r1cli.stages.callbacks import AllLearned, asked
from r1cli.stages.grading import BatchFailed
from r1cli.stages.output import Output
from r1cli.stages.stop import Interrupted

# What safetensors and PyTorch say instead of an OSError. PyTorch's reader calls itself PyTorchStreamReader.
_FULL = ("No space left on device", "PytorchStreamWriter", "unexpected pos")


def learn(trainer: Any, run: Run, output: Output, should_stop: Callable[[], bool]) -> None:
    """Train to the last step.

    Raises:
        Interrupted: a stop was asked for; a checkpoint of the last finished step is saved.
        UserError: there is no space left for a checkpoint.
        RewardError: a reward failed; the completion it failed on is in `samples.jsonl`.
    """
    checkpoint = run.last_checkpoint()
    try:
        with room(run.checkpoints), suppress(AllLearned):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except Exception as error:
        # One process only: with several, the others are still inside a collective and would never answer.
        if trainer.accelerator.num_processes == 1:
            with suppress(Exception):
                keep(trainer, run)
            _drop_torn(run)
        if isinstance(error, BatchFailed):
            raise _told(error, trainer.state.global_step, run, output) from error
        raise
    if asked(should_stop):
        with room(run.checkpoints):
            keep(trainer, run)
        raise Interrupted
    step, steps = trainer.state.global_step, trainer.state.max_steps
    if step < steps:  # transformers only warns when its data loader is empty
        raise UserError(
            f"training ended by itself after {step} of {steps} steps; the log of the run says more."
        )


def _told(error: BatchFailed, step: int, run: Run, output: Output) -> RewardError:
    """The same error, which says where its completion can be read; any process may have met it."""
    try:
        output.failed(step, error.rollouts)
    except UserError as refused:
        return RewardError(f"{error}; its completion could not be kept: {refused.message}")
    return RewardError(f"{error}; its completion is in {run.samples} (kind `failed`)")


def keep(trainer: Any, run: Run) -> None:
    """Save a checkpoint of the last finished step, unless there is one; called on all processes alike."""
    saved, step = run.last_checkpoint(), trainer.state.global_step
    missing = step > 0 and (saved is None or step_of(saved) != step)
    if any(gather_object([missing])):
        trainer._save_checkpoint(trainer.model, trial=None)


@contextmanager
def room(path: Path) -> Iterator[None]:
    """A `UserError` for a disk that is full, in whatever words a library says so; other errors pass."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not _is_full(error):
            raise
        raise UserError(f"cannot write {path}: no space left on the device.", SPACE) from error


def _is_full(error: BaseException | None) -> bool:
    """Whether this error, or one that led to it, comes from a full disk."""
    if error is None:
        return False
    known = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return known or any(words in str(error) for words in _FULL) or _is_full(error.__context__)


def _drop_torn(run: Run) -> None:
    """Remove what is newer than the last whole checkpoint: half written, and in the way on a full disk."""
    whole = run.last_checkpoint()
    last = 0 if whole is None else step_of(whole) or 0
    for path in run.checkpoints.glob("checkpoint-*"):
        if (step_of(path) or 0) > last:
            shutil.rmtree(path, ignore_errors=True)
