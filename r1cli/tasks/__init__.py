"""What is asked. A task yields `Problem`s and names their verifier; it never scores."""

from collections.abc import Callable
from typing import Any

from r1cli.config.task_schema import TaskConfig
from r1cli.tasks.countdown import Countdown
from r1cli.tasks.table import Table
from r1cli.tasks.task import Task

__all__ = ["TASKS", "Task", "load"]

TASKS: dict[str, Callable[[Any, int], Task]] = {
    "countdown": Countdown,
    "table": Table.load,
}
"""`kind` of the task's config -> (config, seed) -> task."""


def load(task: TaskConfig, seed: int) -> Task:
    """The task a config describes; mistakes in its files or settings are `UserError`s."""
    return TASKS[task.kind](task, seed)
