"""Recipes as data: reading, order, overrides of a step, the model of an earlier step."""

from pathlib import Path

import pytest

from r1cli.config.recipe import Recipe, Step, assign, filled, read
from r1cli.errors import UserError


def step(name: str, *needs: str, overrides: tuple[str, ...] = ()) -> Step:
    return Step(name=name, stage="zero", needs=list(needs), overrides=list(overrides))


def recipe(*steps: Step) -> Recipe:
    return Recipe(name="r", summary="s", hardware="h", expect={}, steps=list(steps))


def test_steps_come_after_what_they_need() -> None:
    order = [s.name for s in recipe(step("c", "b"), step("a"), step("b", "a")).ordered()]
    assert order == ["a", "b", "c"]


def test_circle_unknown_and_double() -> None:
    with pytest.raises(UserError, match=r"goes in a circle: [abc] needs"):
        recipe(step("a", "b"), step("b", "c"), step("c", "a")).ordered()
    with pytest.raises(UserError, match="circle"):
        recipe(step("a", "a")).ordered()
    with pytest.raises(UserError, match=r"unknown step that b needs, `aa`\. Did you mean `a`"):
        recipe(step("a"), step("b", "aa")).ordered()
    with pytest.raises(UserError, match="names a step twice"):
        recipe(step("a"), step("a")).ordered()


def test_overrides_are_given_to_their_step() -> None:
    plan = recipe(step("base"), step("zero"))
    assert assign(["zero.stage.steps=3", "base.seed=1", "zero.seed=2"], plan) == {
        "base": ["seed=1"],
        "zero": ["stage.steps=3", "seed=2"],
    }
    with pytest.raises(UserError, match="does not say which step"):
        assign(["seed=1"], plan)
    with pytest.raises(UserError, match="does not say which step"):
        assign(["runs_dir=a.b"], plan)
    with pytest.raises(UserError, match=r"unknown step `zeor`.*`zero`"):
        assign(["zeor.seed=1"], plan)


def test_the_model_of_an_earlier_step() -> None:
    zero = step("zero", "base", overrides=("model=nano", "model.path=@base"))
    assert filled(zero, ["seed=1"], {"base": "/runs/1/model"}) == [
        "model=nano", "model.path=/runs/1/model", "seed=1",
    ]  # fmt: skip
    with pytest.raises(UserError, match="does not need `other`"):
        filled(zero, ["model.path=@other"], {"base": "x"})


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: [", "is not YAML"),
        ("", "recipe"),
        ("name: x\n", "summary"),
        ("name: x\nsummary: s\nhardware: h\nexpect: {}\nsteps: []\n", "steps"),
        ("name: x\nsummary: s\nhardware: h\nexpect: {a: [2, 1]}\nsteps: [{}]\n", "steps.0"),
        ("name: x\nsummary: s\nhardware: h\nexpect: {}\nsteps: []\ncolour: red\n", "steps"),
    ],
)
def test_a_bad_recipe_names_the_place(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(file))
    assert part in str(caught.value) and str(file) in str(caught.value)


def test_a_band_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2.0 is above 1.0"):
        Recipe(name="r", summary="s", hardware="h", expect={"a": (2.0, 1.0)}, steps=[step("a")])


def test_by_name_by_path_and_neither(tmp_path: Path) -> None:
    assert read("nano-zero").name == "nano-zero"
    with pytest.raises(UserError, match=r"unknown recipe `nano-zer`.*`nano-zero`"):
        read("nano-zer")
    with pytest.raises(UserError, match="there is no recipe"):
        read(str(tmp_path / "nowhere.yaml"))
