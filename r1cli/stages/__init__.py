"""Stages learn: each is one readable paragraph (load, build, learn, save). Only this folder imports torch.

`run` is the frame around a stage: quiet libraries, signals, logs, and the manifest's last word.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from r1cli.config.schema import Config
from r1cli.report.summary import summarize
from r1cli.runs.run import Run
from r1cli.stages.listener import Listener
from r1cli.stages.process import peak_memory_gb, prepare
from r1cli.stages.stop import Interrupted, StopRequest

__all__ = ["STAGES", "Interrupted", "Listener", "run"]

Stage = Callable[[Config, Run, Sequence[Listener], StopRequest], None]


def _zero(config: Config, run: Run, listeners: Sequence[Listener], stop: StopRequest) -> None:
    from r1cli.stages import models

    models.fetch(config.model)  # before imports that take seconds, so that a missing model is told at once
    from r1cli.stages.zero import run_zero

    run_zero(config, run, listeners, stop)


def _base(config: Config, run: Run, listeners: Sequence[Listener], stop: StopRequest) -> None:
    from r1cli.stages.base import run_base

    run_base(config, run, listeners, stop)


STAGES: dict[str, Stage] = {"base": _base, "zero": _zero}


def run(config: Config, run: Run, listeners: Sequence[Listener], notice: Callable[[str], None]) -> None:
    """Run one stage in its run directory; the manifest says at the end how it went.

    `notice` gets the few sentences a user should read while it runs.

    Raises:
        Interrupted: the run was asked to stop; a checkpoint is saved.
        UserError: what a user can mend. Of anything else the traceback is in the run's log.
    """
    prepare(config, run)
    with run.attempt():
        logs = _wandb(config, run, notice)
        try:
            with StopRequest() as stop:
                _start(config)(config, run, [*listeners, *logs], stop)
        except BaseException as error:
            _leave(run, logs, error)
            raise
        for log in logs:
            log.close(0)
        _sum_up(run)


def _leave(run: Run, logs: Sequence[Any], error: BaseException) -> None:
    """Sum up a run that did not get to its end; a second failure is only a note to the first."""
    for log in logs:
        log.close(1)
    try:
        _sum_up(run)
    except Exception as refused:
        error.add_note(f"The manifest could not get its figures either: {refused}")
    if isinstance(error, Exception):
        logging.getLogger("r1cli").error("".join(traceback.format_exception(error)))


def _sum_up(run: Run) -> None:
    """Put what the run cost and what came out in the manifest."""
    found = summarize(run)
    run.update(cost=dict(found.cost), result=found.result() | {"peak_memory_gb": peak_memory_gb()})


def _start(config: Config) -> Stage:
    if config.launcher.processes == 1:
        return STAGES[config.stage.kind]
    from r1cli.stages.launch import run_workers

    return run_workers


def _wandb(config: Config, run: Run, notice: Callable[[str], None]) -> list[Any]:
    if not config.logger.wandb:
        return []
    from r1cli.stages.wandb_log import WandbLog

    return [WandbLog(run, config, notice)]
