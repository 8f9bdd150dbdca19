"""`manifest.json`: what a run is, with what it was made, how it ended. Every result leads back to one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from r1cli.errors import UserError
from r1cli.runs.files import disk, write_json
from r1cli.runs.provenance import Machine

Ending = Literal["done", "failed", "interrupted"]
Status = Literal["running", "done", "failed", "interrupted"]


class Manifest(BaseModel):
    """Written first with status `running`, last with how the run ended.

    Unknown fields are kept, so that resuming a run of a newer r1 does not lose what that wrote.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    id: str
    """Name of the run directory: order, stage, start of the config digest."""
    stage: str
    """Kind of the stage, e.g. `zero`."""
    model: str
    """Name of the model config the run started from."""
    task: str
    """Name of the task config."""
    status: Status
    reason: str | None
    """Why it failed or was interrupted, in one line."""
    command: list[str]
    """The command line, word by word."""
    created: datetime
    finished: datetime | None
    seconds: float
    """Wall time of all attempts that have ended."""
    config_digest: str
    """SHA-256 of the settings that can change the result."""
    commit: str | None
    """Git commit of r1, `-dirty` when its code differed; None for an installed wheel."""
    packages: dict[str, str]
    machine: Machine
    seed: int
    parents: dict[str, str]
    """Input, e.g. `model` -> id of the run that made it."""
    cost: dict[str, float]
    """What was spent, e.g. `usd`, `device_seconds`."""
    result: dict[str, float]
    """What came out, e.g. `accuracy_after`."""
    attempts: int
    """How many times it was started: 1 + resumes."""
    wandb_id: str | None
    """Stable id of the Weights & Biases run, so that a resume continues the same charts."""


def now() -> datetime:
    """This second, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def read(path: Path) -> Manifest:
    """The manifest at `path`.

    Raises:
        UserError: there is none, or it is not one; the first wrong field is named.
    """
    with disk(path, "read"):
        if not path.is_file():
            raise UserError(f"{path.parent} is not a run directory: it has no {path.name}.")
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        where = f"{path}: {place}" if place else str(path)
        raise UserError(f"{where}: {first['msg']}.", "It was changed since r1 wrote it.") from error


def write(path: Path, manifest: Manifest) -> None:
    """Replace the manifest at `path` in one step."""
    write_json(path, manifest.model_dump(mode="json"))
