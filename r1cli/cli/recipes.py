"""`r1 run`: the steps of a recipe, each exactly as `r1 train` would run it."""

from typing import TYPE_CHECKING, Annotated

import typer

from r1cli.cli.errors import Guard, guard
from r1cli.cli.train import CHECKED, ConfigDir, DryRun, execute

if TYPE_CHECKING:
    from r1cli.config.recipe import Recipe, Step
    from r1cli.config.schema import Config
    from r1cli.runs.run import Run


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A shipped recipe, or a path to your own .yaml.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="STEP.KEY=VALUE", help="Overrides of one step, e.g. zero.stage.steps=10"),
    ] = None,
    dry_run: DryRun = False,
    config_dir: ConfigDir = None,
) -> None:
    """Run a whole experiment: every step of a recipe, in order."""
    with guard() as state:
        from r1cli.config import compose
        from r1cli.config import recipe as recipes

        plan = recipes.read(recipe)
        steps, extra = plan.ordered(), recipes.assign(overrides or [], plan)

        # All steps are composed before the first one starts: a mistake in the last costs no training.
        drafts = [
            compose.load(
                step.stage, recipes.filled(step, extra[step.name], _later(step)), config_dir=config_dir
            )
            for step in steps
        ]
        if dry_run:
            _print(plan, steps, drafts)
            return
        models: dict[str, str] = {}
        for step in steps:
            typer.echo(f"── {plan.name}: {step.name} ──")
            words = recipes.filled(step, extra[step.name], models)
            config = compose.load(step.stage, words, config_dir=config_dir)
            last = execute(config, ["r1", "train", step.stage, *words], state)
            models[step.name] = str(last.model)
        _compare(plan, last, state)


def _later(step: "Step") -> dict[str, str]:
    return {need: f"<model of step {need}>" for need in step.needs}


def _print(plan: "Recipe", steps: "list[Step]", drafts: "list[Config]") -> None:
    from r1cli.cli import plan as plans

    typer.echo(f"{plan.name}: {plan.summary}\nhardware: {plan.hardware}")
    for step, config in zip(steps, drafts, strict=True):
        typer.echo(f"\n── {step.name} ──")
        plans.preflight(config, model=config.model.path not in _later(step).values())
        for line in plans.lines(config):
            typer.echo(line)
    typer.echo("")
    for metric, (low, high) in plan.expect.items():
        typer.echo(f"expected: {metric} {low:g} to {high:g}")
    typer.echo(CHECKED)


def _compare(plan: "Recipe", last: "Run", state: Guard) -> None:
    """What came out beside what was expected; a difference is said, and is no error."""
    state.resume = None
    result = last.manifest().result
    for metric, (low, high) in plan.expect.items():
        if metric not in result:
            typer.echo(f"{metric}: not measured; expected {low:g} to {high:g}")
            continue
        word = "as expected" if low <= result[metric] <= high else "NOT as expected"
        typer.echo(f"{metric} {result[metric]:.3g}: {word} ({low:g} to {high:g})")
