"""With what a run was made: r1's commit, package versions, the machine. Nothing reported is imported."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import r1cli

PACKAGES = (
    "torch", "transformers", "trl", "accelerate", "peft", "datasets", "tokenizers", "safetensors", "vllm",
    "numpy", "hydra-core", "omegaconf", "pydantic", "wandb",
    "math-verify", "latex2sympy2-extended", "antlr4-python3-runtime",
)  # fmt: skip
"""Packages whose version can change a result."""


class Machine(BaseModel):
    """Where a run was made; no host name, as manifests are published with models."""

    model_config = ConfigDict(frozen=True, extra="allow")

    system: str
    """Operating system and architecture."""
    cpu: str
    cores: int
    """CPU cores this process may use."""
    memory_gb: float
    """Memory of the machine in GB (10^9 bytes)."""
    gpus: list[str]
    """Name and memory of each NVIDIA GPU."""


def commit() -> str | None:
    """Git commit of r1's own source, with `-dirty` when code or config differ from it; None outside git.

    A package inside somebody else's repository (a virtual environment in a project folder) is not tracked
    there, and reports None rather than that project's commit.
    """
    package = Path(r1cli.__file__).resolve().parent
    if not _output("git", "-C", str(package), "ls-files", "--error-unmatch", "__init__.py"):
        return None
    head = _output("git", "-C", str(package), "rev-parse", "--verify", "HEAD")
    if head is None:
        return None
    # Documents and run directories do not change what a run does; new, untracked code does.
    sources = [str(package), *(str(package.parent / name) for name in ("conf", "recipes"))]
    status = ("status", "--porcelain", "--", *sources)
    changed = _output("git", "--no-optional-locks", "-C", str(package), *status)
    return f"{head}-dirty" if changed else head


def packages(names: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Installed version of each of `names`, with Python and r1; what is not installed is left out."""
    versions = {"python": platform.python_version(), "r1cli": r1cli.__version__}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def machine() -> Machine:
    """The machine this process runs on."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        gpus=_gpus(),
    )


def _cpu() -> str:
    """Model name as Linux gives it, else the best the platform says."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text(errors="replace").splitlines() if info.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    listed = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return [line.strip() for line in (listed or "").splitlines() if line.strip()]


def _output(*command: str) -> str | None:
    """What `command` prints; None when it is missing, fails, or takes more than 10 seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
