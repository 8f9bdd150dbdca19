"""The same surroundings for every test: one thread, no network, no keys, no colours, limits in time."""

import os
import shutil
import subprocess

import pytest

# Before torch is imported: two threads that spin on two busy cores made one generation 20 times slower.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["NO_COLOR"] = "1"
os.environ["COLUMNS"] = "110"
for name in ("R1_RUNS", "WANDB_API_KEY", "WANDB_MODE", "HF_TOKEN", "FORCE_COLOR"):
    os.environ.pop(name, None)

SLOW_SECONDS = 600
"""Limit of a test marked slow that names none of its own; the others have the limit of pyproject.toml."""


def _has_gpu() -> bool:
    """Whether an NVIDIA GPU is visible, without loading torch."""
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests their time, and skip GPU tests where there is no GPU."""
    no_gpu = pytest.mark.skip(reason="no NVIDIA GPU on this machine")
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if gpu_items and not _has_gpu():
        for item in gpu_items:
            item.add_marker(no_gpu)
