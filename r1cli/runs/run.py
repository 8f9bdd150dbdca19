"""One run directory: its files, its log, its lock, and how it ends."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from r1cli.errors import UserError
from r1cli.runs import manifest as manifests
from r1cli.runs import provenance
from r1cli.runs.files import Row, append_jsonl, cut_jsonl, disk, read_jsonl
from r1cli.runs.lock import Lock, held, owner
from r1cli.runs.manifest import Ending, Manifest, Status

MANIFEST = "manifest.json"
LOCK = "run.lock"


def is_eval(row: Mapping[str, Any]) -> bool:
    """Whether a row of `metrics.jsonl` comes from a held-out evaluation, not from a training step."""
    return any(key.startswith("eval/") for key in row)


class Run:
    """A run directory. With several processes, only the first one locks and writes it.

    Layout: `manifest.json`, `config.yaml`, `metrics.jsonl`, `samples.jsonl`, `logs/`, `checkpoints/`,
    `model/`, `curves.png`, and `run.lock` while and after a process wrote to it.
    """

    def __init__(self, directory: Path) -> None:
        """The run in `directory`, which need not exist yet."""
        self.dir = directory
        self.id = directory.resolve().name
        self.config = directory / "config.yaml"
        self.metrics = directory / "metrics.jsonl"
        self.samples = directory / "samples.jsonl"
        self.logs = directory / "logs"
        self.checkpoints = directory / "checkpoints"
        self.model = directory / "model"
        self.curves = directory / "curves.png"
        self._lock = Lock(directory / LOCK)
        self._started = time.monotonic()

    def __repr__(self) -> str:
        """As it is written in code."""
        return f"Run({str(self.dir)!r})"

    # ── what is in it ──

    def manifest(self) -> Manifest:
        """The manifest as it is on the disk now."""
        return manifests.read(self.dir / MANIFEST)

    def status(self) -> Status:
        """As the manifest says, but `interrupted` for a `running` whose process is gone (killed)."""
        said = self.manifest().status
        return "interrupted" if said == "running" and not held(self._lock.path) else said

    def log_file(self) -> Path:
        """Where this attempt writes its log and any traceback, e.g. `logs/attempt_1.log`."""
        return self.logs / f"attempt_{self.manifest().attempts}.log"

    def last_checkpoint(self) -> Path | None:
        """The newest whole `checkpoints/checkpoint-N`; None when there is none.

        Whole: `trainer_state.json`, which transformers writes last, can be read and is of step N.
        """
        with disk(self.checkpoints, "read"):
            found = [path for path in self.checkpoints.glob("checkpoint-*") if step_of(path) is not None]
        newest_first = sorted(found, key=lambda path: step_of(path) or 0, reverse=True)
        return next((path for path in newest_first if _whole(path)), None)

    def last_train_row(self) -> Row | None:
        """The latest training row of `metrics.jsonl`, from which a resumed run goes on counting tokens."""
        rows = [row for row in read_jsonl(self.metrics) if not is_eval(row)]
        return rows[-1] if rows else None

    # ── writing it ──

    def lock(self) -> None:
        """Keep other processes from writing here until `unlock`, `finish` or the end of this process.

        Raises:
            UserError: another process works on this run.
        """
        if not self._lock.take():
            raise UserError(
                f"run {self.id} is in use by {owner(self._lock.path)}.",
                "Wait until it has ended, or stop it first.",
            )

    def unlock(self) -> None:
        """Let others write."""
        self._lock.release()

    def update(self, **changes: Any) -> Manifest:
        """Replace fields of the manifest; a wrong name or type raises, as that is a fault of the program."""
        old = self.manifest()
        unknown = changes.keys() - Manifest.model_fields.keys()
        if unknown:
            raise TypeError(f"the manifest has no field {sorted(unknown)}")
        new = Manifest.model_validate({**old.model_dump(), **changes})
        manifests.write(self.dir / MANIFEST, new)
        return new

    def log_metrics(self, row: Mapping[str, Any]) -> None:
        """Append a row to `metrics.jsonl`; it is on its way to the disk when this returns."""
        append_jsonl(self.metrics, row)

    def log_sample(self, row: Mapping[str, Any]) -> None:
        """Append a row to `samples.jsonl`."""
        append_jsonl(self.samples, row)

    def reopen(self) -> Path | None:
        """Start another attempt: lock, drop rows after the last whole checkpoint, say `running` again.

        Commit, packages and machine in the manifest become those of this attempt.

        Returns:
            The checkpoint to go on from; None means from the beginning (all rows are dropped).

        Raises:
            UserError: the run is done, or another process works on it.
        """
        with disk(self.dir):
            self.lock()
        try:
            old = self.manifest()
            if old.status == "done":
                hint = f"`r1 runs show {self.id}` shows what came out."
                raise UserError(f"run {self.id} is done: there is nothing to resume.", hint)
            checkpoint = self.last_checkpoint()
            step = step_of(checkpoint) if checkpoint else None
            for path in (self.metrics, self.samples):
                cut_jsonl(path, -1 if step is None else step)
            self.update(
                status="running",
                reason=None,
                finished=None,
                attempts=old.attempts + 1,
                commit=provenance.commit(),
                packages=provenance.packages(),
                machine=provenance.machine(),
            )
        except BaseException:
            self.unlock()
            raise
        self._started = time.monotonic()
        return checkpoint

    def finish(
        self,
        status: Ending,
        reason: str | None = None,
        cost: Mapping[str, float] | None = None,
        result: Mapping[str, float] | None = None,
    ) -> Manifest:
        """Write down how the run ended and unlock it. `cost` and `result` that are None stay as they were."""
        old = self.manifest()
        new = self.update(
            status=status,
            reason=reason,
            finished=manifests.now(),
            seconds=round(old.seconds + time.monotonic() - self._started, 3),
            cost=old.cost if cost is None else dict(cost),
            result=old.result if result is None else dict(result),
        )
        self.unlock()
        return new

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Write down how the work inside ends: `done`, `interrupted` (Ctrl-C) or `failed` with the reason.

        Call `finish` inside for a result or a reason of your own. The error goes on its way; when not even
        the manifest can be written (full disk), a note is added to it.
        """
        try:
            yield
        except KeyboardInterrupt as error:
            self._end_badly(
                "interrupted", str(error) or "interrupted from the keyboard or by a signal", error
            )
            raise
        except BaseException as error:
            self._end_badly("failed", _reason(error), error)
            raise
        if self.manifest().status == "running":
            self.finish("done")

    def _end_badly(self, status: Ending, reason: str, error: BaseException) -> None:
        try:
            self.finish(status, reason)
        except Exception as refused:
            error.add_note(f"The manifest could not be updated either: {_reason(refused)}")
            self.unlock()


def step_of(checkpoint: Path) -> int | None:
    """N of `checkpoint-N`; None for another name."""
    number = checkpoint.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() else None


def _whole(checkpoint: Path) -> bool:
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and state.get("global_step") == step_of(checkpoint)


def _reason(error: BaseException) -> str:
    """One line; our own errors need no class name."""
    text = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]
