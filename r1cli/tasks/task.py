"""What every task offers."""

from typing import Protocol

from r1cli.problem import Problem


class Task(Protocol):
    """A source of problems with a training and a held-out part that share no problem."""

    @property
    def size(self) -> int | None:
        """Training problems there are; None when they are made without end."""

    def train(self, count: int) -> list[Problem]:
        """`count` training problems, chosen by the seed; a table returns at most its rows."""

    def heldout(self, count: int) -> list[Problem]:
        """Up to `count` held-out problems, the same for every seed so that runs compare."""
