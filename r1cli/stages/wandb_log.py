"""Weights & Biases as one more listener: charts, a completions table, never a reason for a run to end.

Online only when a key is set (`WANDB_API_KEY` or netrc); otherwise the same data go to `<run>/wandb`, from
where `wandb sync` sends them later. `WANDB_MODE` set by the user wins.
"""

import logging
import netrc
import os
import secrets
from collections.abc import Callable
from typing import Any

from r1cli.config.schema import Config
from r1cli.runs.run import Run, is_eval

logger = logging.getLogger("r1cli.wandb")

_TABLE = (
    "step",
    "kind",
    "problem",
    "prompt",
    "completion",
    "answer",
    "gold",
    "verdict",
    "tokens",
    "truncated",
)
# Few curated charts: the last value is the summary; every series has the update count as its x axis.
_CHARTS = {
    "accuracy": "last",
    "eval/accuracy": "max",
    "response_length/mean": "last",
    "aha/deepseek_share": "last",
}


def has_key() -> bool:
    """Whether wandb would find an API key without asking."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False


class WandbLog:
    """A listener (`r1cli.stages.listener`); `close` ends it."""

    def __init__(self, run: Run, config: Config, notice: Callable[[str], None]) -> None:
        self._rows: list[list[Any]] = []
        self._wandb: Any = None
        self._notice = notice
        self._guarded(self._start, run, config)

    def _start(self, run: Run, config: Config) -> None:
        import wandb

        os.environ.setdefault("WANDB_SILENT", "true")
        offline = not os.environ.get("WANDB_MODE") and not has_key()
        if offline:
            self._notice(
                f"wandb: no API key, so it logs offline; send it later: wandb sync {run.dir}/wandb/offline-*"
            )
        manifest = run.manifest()
        identity = manifest.wandb_id or secrets.token_hex(4)
        if manifest.wandb_id is None:
            run.update(wandb_id=identity)
        self._wandb = wandb.init(
            project=config.logger.project,
            group=config.logger.group or run.id,
            job_type=config.stage.kind,
            name=run.id,
            id=identity,
            resume="allow",
            tags=[config.model.name, config.task.name, *config.logger.tags],
            dir=str(run.dir),
            mode="offline" if offline else None,  # None: as WANDB_MODE says
            config=config.model_dump(mode="json") | {"run": run.id, "commit": manifest.commit},
            settings=wandb.Settings(console="off", disable_git=True, save_code=False, x_disable_stats=True),
        )
        # wandb drops rows whose own step went back, as after a resume; an x axis of our own keeps them.
        self._wandb.define_metric("step")
        self._wandb.define_metric("*", step_metric="step")
        for name, summary in _CHARTS.items():
            self._wandb.define_metric(name, step_metric="step", summary=summary)

    def row(self, row: dict[str, Any]) -> None:
        """Log a metric row."""
        self._guarded(lambda: self._wandb.log({k: v for k, v in row.items() if k != "time"}))
        if is_eval(row):
            self._guarded(self._flush)

    def sample(self, row: dict[str, Any]) -> None:
        """Keep a sample row for the completions table, which is sent at evaluations."""
        self._rows.append([row[name] for name in _TABLE])

    def _flush(self) -> None:
        import wandb

        if self._rows:
            self._wandb.log({"completions": wandb.Table(columns=list(_TABLE), data=self._rows)})
            self._rows = []

    def close(self, exit_code: int) -> None:
        """Send what is left and end the wandb run with this exit code."""
        self._guarded(self._flush)
        self._guarded(lambda: self._wandb.finish(exit_code=exit_code))

    def _guarded(self, call: Callable[..., None], *args: Any) -> None:
        """A logger that fails is switched off with one line; training goes on."""
        if self._wandb is None and call != self._start:
            return
        try:
            call(*args)
        except Exception as error:
            self._wandb = None
            reason = " ".join(str(error).split())[:200]
            self._notice(f"wandb failed and is switched off: {type(error).__name__}: {reason}")
            logger.warning("wandb failed", exc_info=error)
