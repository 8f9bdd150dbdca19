"""Several data-parallel processes on one machine: a worker per device, watched by the process of the user.

The workers find each other by the environment variables that torch.distributed and accelerate read. Not by
torchrun: its agent kills workers 30 s after a signal, and a GRPO step may need longer to end well.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from r1cli.config.schema import Config
from r1cli.errors import UserError
from r1cli.runs.files import Row, disk
from r1cli.runs.run import Run
from r1cli.stages.listener import Listener
from r1cli.stages.stop import Interrupted, StopRequest

RESUMABLE = 75
"""Exit code of a process that stopped in order and can be resumed (EX_TEMPFAIL)."""
MISTAKE = 2
"""Exit code of a worker whose log ends with `SAYS` and the text of a `UserError`."""
SAYS = "\nerror: "


class WorkerFailed(Exception):
    """A worker ended with an error; its log says why."""


def run_workers(config: Config, run: Run, listeners: Sequence[Listener], stop: StopRequest) -> None:
    """Start `launcher.processes` workers and wait; `listeners` get the rows they write."""
    news, told = News(run), False
    workers = [_start(config, run, rank) for rank in range(config.launcher.processes)]
    try:
        while any(worker.poll() is None for worker in workers):
            time.sleep(0.5)
            news.pass_on(listeners)
            if stop() and not told:
                told = True
                _signal(workers, signal.SIGTERM)
            if _failed(workers, told) is not None:
                break
        failed = _failed(workers, told)  # before the others are killed, which would look like failures
    finally:
        _end(workers)
    news.pass_on(listeners)
    if failed is not None:
        raise _reason(run, failed, workers[failed].returncode)
    if any(worker.returncode != 0 for worker in workers):
        raise Interrupted


def _failed(workers: Sequence["subprocess.Popen[bytes]"], told: bool) -> int | None:
    """The rank of a worker that ended with an error; `told` when they were asked to stop.

    When one ends its partners lose their connection and follow: a named mistake or a signal is the cause.
    """
    fine = (None, 0, RESUMABLE, *([-signal.SIGTERM] if told else []))  # asked before it could listen
    codes = {rank: code for rank, worker in enumerate(workers) if (code := worker.poll()) not in fine}
    return min(codes, key=lambda rank: (codes[rank] != MISTAKE, (codes[rank] or 0) > 0), default=None)


def _reason(run: Run, rank: int, code: int) -> Exception:
    if code == MISTAKE:
        return UserError(_log(run, rank).read_text().rpartition(SAYS)[2].strip())
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return WorkerFailed(f"process {rank} of the run {how}; see {_log(run, rank)}")


def _start(config: Config, run: Run, rank: int) -> "subprocess.Popen[bytes]":
    size = config.launcher.processes
    environment = os.environ | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": _port(),
        "OMP_NUM_THREADS": str(config.launcher.threads or max(1, (os.cpu_count() or 1) // size)),
    }
    with _log(run, rank).open("ab") as log:
        # Its own session: Ctrl-C in the terminal reaches the parent alone, which asks the workers once.
        return subprocess.Popen(
            [sys.executable, "-m", "r1cli.stages.worker", str(run.dir)],
            env=environment,
            stdin=subprocess.PIPE,  # never written to: it closes when this process is gone, however it went
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _log(run: Run, rank: int) -> Path:
    return run.logs / f"worker_{rank}.log"


_chosen: list[str] = []


def _port() -> str:
    """A free port, the same for all workers of this process."""
    if not _chosen:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            _chosen.append(str(probe.getsockname()[1]))
    return _chosen[0]


class News:
    """The rows that workers add to `metrics.jsonl` and `samples.jsonl` from now on."""

    def __init__(self, run: Run) -> None:
        self._metrics, self._samples = Tail(run.metrics), Tail(run.samples)

    def pass_on(self, listeners: Sequence[Listener]) -> None:
        """Tell the listeners what is new, samples first: an evaluation's are written before its row."""
        metrics = self._metrics.rows()  # read first, so that the samples of all these are there
        for sample in self._samples.rows():
            for listener in listeners:
                listener.sample(sample)
        for row in metrics:
            for listener in listeners:
                listener.row(row)


class Tail:
    """The whole lines that are added to a `.jsonl` file after this was made."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self._lines()

    def rows(self) -> list[Row]:
        """The rows since the last call; a line is only read once it is whole."""
        return [json.loads(line) for line in self._lines() if line.strip()]

    def _lines(self) -> list[bytes]:
        with disk(self._path, "read"):
            if not self._path.exists():
                return []
            with self._path.open("rb") as file:
                file.seek(self._offset)
                whole, end, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(end)
        return whole.split(b"\n") if end else []


def _signal(workers: Sequence["subprocess.Popen[bytes]"], number: signal.Signals) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _end(workers: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Leave no worker behind: a rank whose partner died would wait in a collective for ever."""
    for worker in workers:
        if worker.poll() is None:
            worker.kill()
        worker.wait()
        if worker.stdin is not None:
            worker.stdin.close()
