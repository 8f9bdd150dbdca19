"""`r1 resume`: go on with a run that was interrupted or failed."""

from pathlib import Path
from typing import Annotated

import typer

from r1cli.cli.errors import guard
from r1cli.cli.train import work


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
        if found.manifest().status == "done":
            typer.echo(f"run {found.id} is done: there is nothing to resume. See `r1 runs show {found.id}`.")
            return
        settings = compose.from_saved(found.config)
        checkpoint = found.reopen()
        since = checkpoint.name if checkpoint else "the beginning, as there is no checkpoint yet"
        typer.echo(f"resumes {found.dir} from {since}")
        work(settings, found, state)
