"""Create and find run directories."""

import os.path
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from r1cli.config.schema import Config
from r1cli.errors import UserError, nearest
from r1cli.runs import manifest as manifests
from r1cli.runs import provenance
from r1cli.runs.files import PLACE, disk, write_text
from r1cli.runs.lock import Lock
from r1cli.runs.manifest import Manifest
from r1cli.runs.run import MANIFEST, Run

__all__ = ["Run", "create", "find", "planned", "runs", "try_out"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NUMBER = re.compile(r"(\d+)-")


def planned(config: Config, digest: str) -> Path:
    """The directory `create` would make now; makes nothing.

    Raises:
        UserError: `run_id` is no plain name or is taken, or `runs_dir` is a file.
    """
    folder = _folder(config)
    if config.run_id is None:
        return folder / f"{_next_number(folder):04d}-{config.stage.kind}-{digest[:6]}"
    if not NAME.fullmatch(config.run_id):
        raise UserError(
            f"run_id `{config.run_id}` is no name for a folder.",
            "Use letters, digits, `.`, `_` and `-`, a letter or digit first, at most 100 in all.",
        )
    if (folder / config.run_id).exists():
        raise _taken(folder / config.run_id)
    return folder / config.run_id


def try_out(config: Config) -> None:
    """Make a folder where `create` would make one, and remove it: permissions alone do not tell (`/proc`).

    Raises:
        UserError: `runs_dir` cannot be made, or not be written to.
    """
    folder = _folder(config)
    place = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    try:
        with disk(folder), tempfile.TemporaryDirectory(prefix=".r1-", dir=place):
            pass
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}.", PLACE) from error


def create(
    config: Config,
    config_yaml: str,
    digest: str,
    command: Sequence[str],
    parents: Mapping[str, str] | None = None,
) -> Run:
    """Make a run directory, locked by this process, whose manifest says `running`.

    Args:
        config: what will be run; `runs_dir` and `run_id` say where.
        config_yaml: text of `config.yaml`, from which `r1 resume` reads the config back.
        digest: SHA-256 in hex of the settings; its first six digits are part of the id.
        command: the command line, word by word.
        parents: input, e.g. `model` -> id of the run that made it.

    Raises:
        UserError: the directory exists, may not be written, or the disk is full; nothing is left behind.
    """
    folder = _folder(config)
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    run = _reserve(config, folder, digest)
    try:
        with disk(run.dir):
            run.logs.mkdir()
            run.checkpoints.mkdir()
            run.lock()
        write_text(run.config, config_yaml)
        manifests.write(run.dir / MANIFEST, _first_manifest(config, run.id, digest, command, parents or {}))
    except BaseException:
        run.unlock()
        shutil.rmtree(run.dir, ignore_errors=True)  # made a moment ago by us alone: nothing of value is in it
        raise
    return run


def _folder(config: Config) -> Path:
    folder = Path(config.runs_dir).expanduser()
    with disk(folder, "read"):
        if folder.exists() and not folder.is_dir():
            raise UserError(f"runs_dir `{folder}` is a file, not a folder.", "Choose another: `runs_dir=`.")
    return folder


def _reserve(config: Config, folder: Path, digest: str) -> Run:
    """Number and make the directory under a lock, so that two starts at once get two numbers."""
    numbering = Lock(folder / ".lock")
    with disk(folder):
        if not numbering.take(wait=10.0):
            raise UserError(f"{folder} is locked by another process that numbers its run.", "Try again.")
        try:
            directory = planned(config, digest)
            directory.mkdir()
        except FileExistsError:
            raise _taken(directory) from None
        finally:
            numbering.release()
    return Run(directory)


def _taken(directory: Path) -> UserError:
    name = directory.name
    return UserError(
        f"{directory} exists already.",
        f"Go on with it by `r1 resume {name}`, choose another `run_id=`, or leave it out to number the run.",
    )


def _first_manifest(
    config: Config, name: str, digest: str, command: Sequence[str], parents: Mapping[str, str]
) -> Manifest:
    return Manifest(
        id=name,
        stage=config.stage.kind,
        model=config.model.name,
        task=config.task.name,
        status="running",
        reason=None,
        command=list(command),
        created=manifests.now(),
        finished=None,
        seconds=0.0,
        config_digest=digest,
        commit=provenance.commit(),
        packages=provenance.packages(),
        machine=provenance.machine(),
        seed=config.seed,
        parents=dict(parents),
        cost={},
        result={},
        attempts=1,
        wandb_id=None,
    )


def _number(name: str) -> int | None:
    match = NUMBER.match(name)
    return int(match.group(1)) if match else None


def _next_number(folder: Path) -> int:
    with disk(folder, "read"):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return 1 + max((number for name in names if (number := _number(name)) is not None), default=0)


def runs(folder: Path) -> list[Run]:
    """All run directories in `folder`, by name, which is by age for numbered ones; none if it is missing."""
    with disk(folder, "read"):
        if not folder.is_dir():
            return []
        return [Run(path) for path in sorted(folder.iterdir()) if (path / MANIFEST).is_file()]


def find(runs_dir: Path, name: str) -> Run:
    """The run meant by `name`: an id, its number (`7`), a beginning of it that fits only one, or a path.

    Raises:
        UserError: nothing fits (the nearest id is named), or several do.
    """
    known = {run.id: run for run in runs(runs_dir)}
    if name in known:
        return known[name]
    if (Path(name) / MANIFEST).is_file():
        return Run(Path(name))
    if "/" in name:
        raise UserError(f"{name} is not a run directory: it has no {MANIFEST}.", _listing(runs_dir))
    fits = _fits(known, name)
    if len(fits) == 1:
        return known[fits[0]]
    if fits:
        raise UserError(f"`{name}` fits {len(fits)} runs: {_few(fits)}.", "Write more of the id.")
    if not known:
        raise UserError(
            f"there are no runs in `{runs_dir}`.",
            "Start one with `r1 train zero`, or name another folder by `R1_RUNS`.",
        )
    guess = nearest(name, known)
    meant = f" Did you mean `{guess}`?" if guess else ""
    raise UserError(f"there is no run `{name}` in `{runs_dir}`.{meant}", _listing(runs_dir))


def _listing(runs_dir: Path) -> str:
    return f"`r1 runs` lists the runs in `{runs_dir}`."


def _fits(ids: Mapping[str, Run], name: str) -> list[str]:
    """The ids with this number, else those that begin so: `1` is run 1 although `10` begins with it too."""
    numbered = [known for known in ids if name.isdecimal() and _number(known) == int(name)]
    return numbered or [known for known in ids if name and known.startswith(name)]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
