"""A small valid config and rows of metrics, for tests of run directories and reports."""

from pathlib import Path
from typing import Any

from r1cli.config.schema import Config
from r1cli.runs import store
from r1cli.runs.run import Run

DIGEST = "3f9c1a" + "0" * 58


def toy_config(runs_dir: Path, run_id: str | None = None, **model: Any) -> Config:
    """A zero stage of the nano model on countdown."""
    return Config.model_validate(
        {
            "stage": {
                "kind": "zero", "steps": 10, "prompts_per_step": 4, "group_size": 8, "micro_batch": 16,
                "max_completion_tokens": 96, "temperature": 1.0, "learning_rate": 3e-4, "kl_weight": 0.0,
                "save_every": 5, "samples_every": 5, "samples_prompts": 2, "trl": {},
                "eval": {"problems": 256, "samples": 1, "every": 5, "temperature": 1.0, "batch": 64},
            },
            "model": {
                "name": "nano", "embedded": "nano", "hub_id": None, "revision": None, "path": None,
                "dtype": "float32", "lora": None, "lora_alpha": None, "template": "nano",
                "architecture": None,
                "rl": {
                    "learning_rate": 3e-4, "prompts_per_step": 4, "group_size": 8, "steps": 10,
                    "max_completion_tokens": 96, "micro_batch": 16, "gradient_checkpointing": False,
                    "eval_batch": 64, "threads": None,
                },
                **model,
            },
            "task": {
                "kind": "countdown", "name": "countdown", "numbers": {3: 1.0}, "low": 1, "high": 9,
                "operations": ["+", "-", "*"], "target_low": 1, "target_high": 30,
                "largest_value": None, "heldout_share": 0.2,
            },
            "reward": {"accuracy": {"weight": 1.0}, "format": {"weight": 1.0}},
            "logger": {
                "name": "local", "wandb": False, "project": "r1", "group": None, "tags": [], "report_to": [],
            },
            "launcher": {"name": "local", "processes": 1, "threads": None, "usd_per_device_hour": 0.0},
            "seed": 7, "runs_dir": str(runs_dir), "run_id": run_id,
        }
    )  # fmt: skip


def toy_run(runs_dir: Path, run_id: str | None = None) -> Run:
    """A run directory as it is right after its start."""
    return store.create(toy_config(runs_dir, run_id), "seed: 7\n", DIGEST, ["r1", "train", "zero"])


def train_row(step: int, accuracy: float, **more: Any) -> dict[str, Any]:
    """One step; the total is accuracy + format, and 1.0 of format."""
    return {
        "step": step, "time": 1000.0 + step, "accuracy": accuracy, "format": 1.0, "reward/accuracy": accuracy,
        "reward/format": 1.0, "reward/total": accuracy + 1.0, "reward/std": 0.3, "truncated": 0.0,
        "no_answer": 0.0, "infra_errors": 0.0, "zero_std_groups": 0.1, "response_length/mean": 50.0 + step,
        "aha/deepseek_share": 0.2, "aha/strict_share": 0.05, "entropy": 0.3, "loss": 0.0, "grad_norm": 0.5,
        "tokens/prompt": 100 * step, "tokens/completion": 900 * step, "tokens_per_second": 1240.0,
        "time/generate": 3.0, "time/reward": 0.1, "time/update": 1.9, "time/total": 5.0,
        "cost/device_seconds": 5.0 * step, "cost/usd": 0.0, **more,
    }  # fmt: skip


def eval_row(step: int, accuracy: float, half: float = 0.05, **more: Any) -> dict[str, Any]:
    """One held-out evaluation whose interval reaches `half` to either side."""
    return {
        "step": step, "eval/accuracy": accuracy, "eval/n": 256, "eval/ci_low": accuracy - half,
        "eval/ci_high": accuracy + half, "eval/response_length/mean": 50.0 + step, "eval/format": 0.9,
        "eval/aha/deepseek_share": 0.2 + step / 100, "eval/aha/strict_share": 0.05, **more,
    }  # fmt: skip


def rising(steps: int = 10) -> list[dict[str, Any]]:
    """A run that learns: accuracy 0.20 at first, 0.05 more each step, evaluated at both ends."""
    train = [train_row(step, 0.2 + 0.05 * step) for step in range(1, steps + 1)]
    return [eval_row(0, 0.2), *train, eval_row(steps, 0.7)]
