"""Every shipped config file: it composes, it validates, and every line says why it is so."""

import re
from pathlib import Path

import pytest
import yaml

from r1cli.config import compose, groups
from r1cli.config.recipe import names, read
from r1cli.config.schema import Config
from r1cli.config.stage_schema import ZeroStage
from r1cli.tasks import TASKS

OPTIONS = groups.options([groups.conf_dir()])
FILES = sorted([*groups.conf_dir().rglob("*.yaml"), *groups.recipes_dir().glob("*.yaml")])
# Tasks and models of which a file gives only the form.
OPEN = {"task": {"table": ["task.path=rows.jsonl"]}, "model": {"hub": ["model.hub_id=org/name"]}}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("model", OPTIONS["model"])
@pytest.mark.parametrize("stage", OPTIONS["stage"])
def test_every_stage_with_every_model(stage: str, model: str) -> None:
    words = [f"model={model}", *OPEN["model"].get(model, [])]
    if stage == "base" and compose.load("zero", words).model.architecture is None:
        words.append("model.architecture={model_type: llama}")
    config = compose.load(stage, words)
    assert config.model.name == model


@pytest.mark.parametrize(
    ("group", "name"), [(g, n) for g in ("task", "reward", "logger", "launcher") for n in OPTIONS[g]]
)
def test_every_other_file(group: str, name: str) -> None:
    config = compose.load("zero", [f"{group}={name}", *OPEN.get(group, {}).get(name, [])])
    assert group == "reward" or getattr(config, group).name == name


def test_every_group_has_a_field_and_a_folder() -> None:
    assert set(groups.GROUPS) == {file.name for file in groups.conf_dir().iterdir() if file.is_dir()}
    assert set(groups.GROUPS) <= Config.model_fields.keys()


def test_the_tasks_are_of_known_kinds() -> None:
    for name in OPTIONS["task"]:
        assert compose.load("zero", [f"task={name}", *OPEN["task"].get(name, [])]).task.kind in TASKS


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_leaf_line_carries_a_comment(file: Path) -> None:
    bare = [
        line
        for line in file.read_text().splitlines()
        if line.strip()
        and not line.lstrip().startswith("#")
        and not re.search(r"\s# \S", line)
        # A line that only opens a mapping or list is explained by those inside it.
        and not re.fullmatch(r"\s*(- )?[\w-]+:", line)
    ]
    assert bare == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_begins_with_what_it_is_and_names_no_code(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("# ") and "_target_" not in text
    assert len(max(text.splitlines(), key=len)) <= 150


def test_hub_revisions_are_commits() -> None:
    for name in OPTIONS["model"]:
        model = compose.load("zero", [f"model={name}", *OPEN["model"].get(name, [])]).model
        if name != "hub" and model.hub_id is not None:
            assert re.fullmatch(r"[0-9a-f]{40}", model.revision or ""), name


def test_the_papers_numbers() -> None:
    # Nature Methods, "Training details": G 16, 32 questions a step, T 1, 10,400 steps; epsilon 10 is of R1
    stage = compose.load("zero-paper", ["model=qwen2.5-7b"]).stage
    assert isinstance(stage, ZeroStage)
    assert (stage.learning_rate, stage.kl_weight, stage.group_size, stage.prompts_per_step) == (
        3e-6,
        1e-3,
        16,
        32,
    )
    assert (stage.temperature, stage.steps, stage.max_completion_tokens) == (1.0, 10400, 32768)
    assert (stage.trl["epsilon"], stage.trl["loss_type"]) == (10.0, "grpo")


# ── recipes ──


@pytest.mark.parametrize("name", names())
def test_every_recipe_composes(name: str) -> None:
    from r1cli.config.recipe import filled

    recipe = read(name)
    assert recipe.name == name
    for step in recipe.ordered():
        words = filled(step, [], {need: f"/models/{need}" for need in step.needs})
        config = compose.load(step.stage, words)
        assert step.needs == [] or config.model.path == f"/models/{step.needs[0]}"


@pytest.mark.parametrize("name", names())
def test_a_recipe_says_whether_its_expectation_was_measured(name: str) -> None:
    text = (groups.recipes_dir() / f"{name}.yaml").read_text()
    for metric in yaml.safe_load(text)["expect"]:
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{metric}:"))
        assert "#" in line
