"""The `r1` command: it parses, calls and prints. Everything heavy is imported inside the commands."""

from typing import Annotated

import typer

from r1cli import __version__
from r1cli.cli import recipes, resume, runs, train

# Rich's help takes 0.1 s to import; plain help keeps `r1 --help` under 0.2 s.
app = typer.Typer(
    name="r1",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("train")(train.train)
app.command("resume")(resume.resume)
app.command("run")(recipes.run)
app.add_typer(runs.app, name="runs")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"r1 {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Train a model to reason by reinforcement learning, and see what came out."""
