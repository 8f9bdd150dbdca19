"""Recipes: whole experiments as data. A step is what `r1 train` could run alone."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from r1cli.config import groups, problems
from r1cli.errors import UserError, unknown

Band = tuple[float, float]
"""Lowest and highest value that is no surprise."""


class Step(BaseModel):
    """One run of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    stage: str
    """Name of a file in `conf/stage`."""
    needs: list[str]
    """Steps that must be done before."""
    overrides: list[str]
    """`key=value`; a value `@STEP` means the model that an earlier step made."""


class Recipe(BaseModel):
    """A whole experiment: its steps and what is expected of the last one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str
    hardware: str
    expect: dict[str, Band]
    """Result of the last step, e.g. `accuracy_after` -> band."""
    steps: Annotated[list[Step], Field(min_length=1)]

    @model_validator(mode="after")
    def _bands(self) -> Self:
        for metric, (low, high) in self.expect.items():
            if low > high:
                raise ValueError(f"expect.{metric}: {low} is above {high}")
        return self

    def ordered(self) -> list[Step]:
        """The steps so that each comes after those it needs; otherwise as they are written.

        Raises:
            UserError: a step needs one that does not exist or, over others, itself; or two have one name.
        """
        steps = {step.name: step for step in self.steps}
        if len(steps) < len(self.steps):
            raise UserError(f"recipe {self.name} names a step twice.", "Every step needs a name of its own.")
        for step in self.steps:
            for need in step.needs:
                if need not in steps:
                    raise unknown(f"step that {step.name} needs,", need, steps)
        try:
            return [
                steps[name]
                for name in TopologicalSorter({s.name: s.needs for s in self.steps}).static_order()
            ]
        except CycleError as error:
            raise UserError(
                f"recipe {self.name} goes in a circle: {' needs '.join(error.args[1])}.", None
            ) from error


def read(name: str) -> Recipe:
    """A shipped recipe by name, or one of your own by path.

    Raises:
        UserError: there is none, or it is not a recipe.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = groups.recipes_dir() / f"{name}.yaml"
        if name not in names():
            raise unknown(
                "recipe", name, names(), "A recipe of your own is given by its path, e.g. ./mine.yaml."
            )
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"there is no recipe {path}.", f"Shipped ones: {', '.join(names())}.") from error
    except yaml.YAMLError as error:
        raise problems.not_yaml(path, error) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise UserError(f"{path}: {where}: {first['msg']}.", None) from error


def names() -> list[str]:
    """The shipped recipes."""
    return sorted(file.stem for file in groups.recipes_dir().glob("*.yaml"))


def assign(words: Sequence[str], recipe: Recipe) -> dict[str, list[str]]:
    """`zero.stage.steps=10` -> `{"zero": ["stage.steps=10"]}`.

    Raises:
        UserError: a word does not begin with a step's name.
    """
    steps = [step.name for step in recipe.steps]
    given: dict[str, list[str]] = {name: [] for name in steps}
    for word in words:
        name, dot, rest = word.partition(".")
        if not dot or "=" not in word or "=" in name:
            raise UserError(
                f"`{word}` does not say which step it is for.",
                f"Write STEP.key=value with a step of: {', '.join(steps)}.",
            )
        if name not in given:
            raise unknown("step", name, steps)
        given[name].append(rest)
    return given


def filled(step: Step, extra: Sequence[str], models: Mapping[str, str]) -> list[str]:
    """The step's overrides with every `key=@STEP` replaced by the model directory of that step.

    Raises:
        UserError: `@STEP` is not one of the steps it needs.
    """
    return [_filled(step, word, models) for word in [*step.overrides, *extra]]


def _filled(step: Step, word: str, models: Mapping[str, str]) -> str:
    key, equals, value = word.partition("=")
    if not value.startswith("@"):
        return word
    if value[1:] not in step.needs:
        raise UserError(
            f"step {step.name}: `{word}`, but it does not need `{value[1:]}`.", "Add it to `needs`."
        )
    return f"{key}{equals}{models[value[1:]]}"
