"""Leaving a run in order: the first Ctrl-C or SIGTERM asks, a second Ctrl-C leaves at once."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, saved a checkpoint and can be resumed (exit code 75)."""


class StopRequest:
    """While active, SIGINT, SIGTERM and SIGUSR1 set a flag that the training loop reads at step ends."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Self:
        self._before = {s: signal.signal(s, self._on_signal) for s in self._SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # A scheduler may follow up with SIGTERM: only a person's impatience counts as a second request.
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True

    def __call__(self) -> bool:
        """Whether a stop was asked for."""
        return self.requested
