"""One command in a process of its own: how long it took, and the most memory it held."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

R1 = (sys.executable, "-m", "r1cli")


class Ran(NamedTuple):
    """What is known of a child that has ended well."""

    seconds: float
    """Wall time, start of the interpreter included."""
    memory_gb: float
    """Largest resident memory, 10^9 bytes."""
    output: str
    """What it printed."""


def run(command: Sequence[str], *, threads: int | None = None, runs: Path | None = None) -> Ran:
    """Run a command to its end, with `runs` as R1_RUNS; one that fails ends the benchmark, with its words."""
    with tempfile.TemporaryDirectory() as scratch:
        env = _surroundings(threads) | {"TMPDIR": scratch, "R1_RUNS": str(runs or scratch)}
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            began = time.perf_counter()
            child = subprocess.Popen(command, stdout=out, stderr=errors, env=env)
            code, memory_gb = _wait(child)
            seconds = time.perf_counter() - began
            out.seek(0)
            errors.seek(0)
            if code != 0:
                raise SystemExit(f"{' '.join(command)} ended with {code}:\n{errors.read()[-2000:]}")
            return Ran(seconds, memory_gb, out.read())


def _surroundings(threads: int | None) -> dict[str, str]:
    """Idle OpenMP threads sleep in every child, as r1 sets it for itself: scripts are compared, not this."""
    fixed = {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **fixed, **({} if threads is None else {"OMP_NUM_THREADS": str(threads)})}


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Exit code, and the child's own largest memory in GB; it ends with us when we are interrupted."""
    try:
        _, status, used = os.wait4(child.pid, 0)
    except BaseException:
        child.terminate()
        child.wait()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, used.ru_maxrss * _unit() / 1e9


def _unit() -> int:
    """Bytes in one unit of ru_maxrss: Linux counts in KiB, macOS in bytes."""
    return 1 if sys.platform == "darwin" else 1024
