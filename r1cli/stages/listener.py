"""Who hears of a run while it goes on: the terminal, Weights & Biases."""

from typing import Any, Protocol


class Listener(Protocol):
    """Called on the main process with each row as it is written."""

    def row(self, row: dict[str, Any]) -> None:
        """Take a row of `metrics.jsonl`."""

    def sample(self, row: dict[str, Any]) -> None:
        """Take a row of `samples.jsonl`."""
