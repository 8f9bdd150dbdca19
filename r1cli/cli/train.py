"""`r1 train`: compose, check, run one stage."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r1cli.cli.errors import Guard, guard
from r1cli.errors import UserError

if TYPE_CHECKING:
    from r1cli.config.schema import Config
    from r1cli.runs.run import Run

CHECKED = "Everything was checked; nothing was started."

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Overrides, e.g. model=qwen2.5-1.5b stage.learning_rate=1e-6",
        show_default=False,
    ),
]
ConfigDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder that adds files to the groups, as ./conf does.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, print what would run, start nothing.")
]


def train(
    stage: Annotated[
        str | None,
        typer.Argument(
            metavar="STAGE", help="What to do: zero, base, or a stage of your own.", show_default=False
        ),
    ] = None,
    overrides: Overrides = None,
    cfg: Annotated[bool, typer.Option("--cfg", help="Print the resolved config and stop.")] = False,
    dry_run: DryRun = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A saved config (config.yaml of a run) in place of the groups."),
    ] = None,
    config_dir: ConfigDir = None,
) -> None:
    """Train a model: `r1 train zero` teaches one to reason, `r1 train base` makes one from nothing."""
    with guard() as state:
        from r1cli.config import compose

        name, words = _told_apart(stage, overrides or [], config)
        settings = compose.load(name, words, config_file=config, config_dir=config_dir)
        if cfg:
            typer.echo(compose.to_yaml(settings), nl=False)
        elif dry_run:
            dry(settings)
        else:
            execute(settings, ["r1", *sys.argv[1:]], state)


def _told_apart(stage: str | None, words: Sequence[str], config: Path | None) -> tuple[str | None, list[str]]:
    """With --config the stage may be left out, and the first word is then an override."""
    if stage is not None and "=" in stage and (config is not None or stage.startswith("stage=")):
        return None, [stage, *words]
    if stage is None and config is None:
        from r1cli.config import groups

        known = groups.options(groups.folders(None))["stage"]
        raise UserError(f"no stage is named. Known: {', '.join(known)}.", "Start with `r1 train zero`.")
    if stage is not None and "=" in stage:
        raise UserError(f"the stage comes before `{stage}`.", f"Write `r1 train zero {stage}`.")
    return stage, list(words)


def dry(config: "Config") -> None:
    """Check what can be checked without starting anything, and print what would run."""
    from r1cli.cli import plan

    plan.preflight(config)
    for line in plan.lines(config):
        typer.echo(line)
    typer.echo(CHECKED)


def execute(config: "Config", command: Sequence[str], state: Guard) -> "Run":
    """Make a run directory, run the stage in it, print the verdict."""
    from r1cli.cli import plan
    from r1cli.config import compose
    from r1cli.runs import store

    plan.preflight(config)
    run = store.create(config, compose.to_yaml(config), compose.digest(config), command, plan.parents(config))
    for line in plan.lines(config, where=run.dir):
        typer.echo(line)
    work(config, run, state)
    return run


def work(config: "Config", run: "Run", state: Guard) -> None:
    """Run the stage in its locked run directory, watched by a live table; print the verdict."""
    from r1cli import stages
    from r1cli.cli import plan
    from r1cli.report.live import LiveTable
    from r1cli.runs.files import read_jsonl

    state.log, state.resume = run.log_file(), run.id
    title = f"{run.id}: {plan.headline(config)}"
    try:
        with LiveTable(plan.steps(config), title, read_jsonl(run.metrics)) as table:
            stages.run(config, run, [table], typer.echo)
    except stages.Interrupted:
        _verdict(run)
        raise
    _verdict(run)


def _verdict(run: "Run") -> None:
    """Draw the curves and print what came out; a run has ended as it has, also when this fails."""
    from r1cli.report import curves, summary, verdict

    try:
        curves.draw(run)
    except Exception as error:
        typer.echo(f"{run.curves} could not be drawn: {_in_short(error)}")
    try:
        lines = verdict.lines(summary.summarize(run), run.manifest(), str(run.dir))
    except Exception as error:
        lines = [f"the summary of {run.dir} could not be made: {_in_short(error)}"]
    for line in lines:
        typer.echo(line)


def _in_short(error: Exception) -> str:
    text = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
