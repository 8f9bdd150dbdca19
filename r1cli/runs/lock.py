"""One process per run directory, by `flock`: the kernel lets go when the process ends, however it ends."""

import errno
import fcntl
import logging
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK}
"""Some network file systems cannot lock: training without a lock beats not training."""

logger = logging.getLogger(__name__)


class Lock:
    """An exclusive lock on one file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """A lock at `path`, not taken yet."""
        self.path = path
        self._descriptor: int | None = None

    def take(self, wait: float = 0.5) -> bool:
        """Take the lock, trying for `wait` seconds; False when another process keeps it.

        A moment of patience, because `held` in another process takes the lock for microseconds.
        """
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        end = time.monotonic() + wait
        while not _locked(descriptor, self.path):
            if time.monotonic() >= end:
                os.close(descriptor)
                return False
            time.sleep(0.02)
        with suppress(OSError):  # the note is for error messages only; a full disk must not stop a resume
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go, also for child processes that inherited the file."""
        if self._descriptor is not None:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


def _locked(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        logger.warning("%s: this file system has no locks; do not start two processes on one run.", path)
    return True


def held(path: Path) -> bool:
    """Whether some process holds the lock at `path` now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in UNSUPPORTED
    finally:
        os.close(descriptor)
    return False


def owner(path: Path) -> str:
    """Who took the lock last, e.g. `process 4242 on box`."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    return "another process"
