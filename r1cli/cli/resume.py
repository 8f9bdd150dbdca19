"""`r1 resume`: go on with a run that was interrupted or failed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r1cli.cli.errors import guard
from r1cli.cli.train import work

if TYPE_CHECKING:
    from r1cli.runs.manifest import Manifest


def resume(
    run: Annotated[str, typer.Argument(help="Id, number, beginning of the id, or path.")],
    runs_dir: Annotated[Path, typer.Option(envvar="R1_RUNS", help="Folder of the run directories.")] = Path(
        "runs"
    ),
) -> None:
    """Go on with a run from its last checkpoint, with the settings it was started with."""
    with guard() as state:
        from r1cli.config import compose
        from r1cli.runs import store

        found = store.find(runs_dir, run)
        before = found.manifest()
        if before.status == "done":
            typer.echo(f"run {found.id} is done: there is nothing to resume. See `r1 runs show {found.id}`.")
            return
        settings = compose.from_saved(found.config)
        checkpoint = found.reopen()
        since = checkpoint.name if checkpoint else "the beginning, as there is no checkpoint yet"
        typer.echo(f"resumes {found.dir} from {since}")
        if changed := _changed(before, found.manifest()):
            typer.echo(changed)
        work(settings, found, state)


def _changed(before: "Manifest", now: "Manifest") -> str | None:
    """One line when r1 or a package is another one than in the attempt before."""
    old, new = _versions(before), _versions(now)
    names = [name for name in old | new if old.get(name) != new.get(name)]
    if not names:
        return None
    was, is_now = (
        ", ".join(f"{name} {side[name]}" if name in side else f"no {name}" for name in names)
        for side in (old, new)
    )
    return f"made with {was}, now {is_now}: the rest of the run may differ"


def _versions(manifest: "Manifest") -> dict[str, str]:
    head, _, dirty = (manifest.commit or "").partition("-")
    commit = {"commit": f"{head[:12]}-{dirty}" if dirty else head[:12]} if head else {}
    return manifest.packages | commit
