"""Files and overrides to a config, and a config to a file and back."""

from pathlib import Path

import pytest
import yaml

from r1cli.config import compose, groups
from r1cli.config.stage_schema import BaseStage, ZeroStage
from r1cli.config.task_schema import CountdownTask, TableTask
from r1cli.errors import UserError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without ./conf, and no R1_RUNS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("R1_RUNS", raising=False)


def test_defaults_are_the_embedded_model_on_countdown() -> None:
    config = compose.load("zero", [])
    assert (config.model.name, config.task.name, config.logger.wandb) == ("nano", "countdown", False)
    assert {name: term.weight for name, term in config.reward.items()} == {"accuracy": 1.0, "format": 1.0}
    assert config.run_id is None


def test_the_stage_takes_its_numbers_from_the_model() -> None:
    config = compose.load("zero", ["model=qwen2.5-1.5b"])
    assert isinstance(config.stage, ZeroStage)
    assert config.stage.learning_rate == config.model.rl.learning_rate
    changed = compose.load("zero", ["model.rl.learning_rate=5e-6"])
    assert isinstance(changed.stage, ZeroStage) and changed.stage.learning_rate == 5e-6


def test_a_plain_reference_takes_the_value_of_another_setting() -> None:
    assert compose.load("zero", ["logger.project=${model.name}", "run_id=a-${seed}-b"]).run_id == "a-0-b"
    assert compose.load("zero", ["logger.project=${model.name}"]).logger.project == "nano"


def test_groups_and_settings_in_any_order() -> None:
    config = compose.load("zero", ["stage.learning_rate=1e-6", "task=gsm8k", "seed=7", "model=qwen2.5-0.5b"])
    assert isinstance(config.stage, ZeroStage) and isinstance(config.task, TableTask)
    assert (config.stage.learning_rate, config.seed, config.task.hub_id) == (1e-6, 7, "openai/gsm8k")


def test_the_last_of_two_equal_overrides_wins() -> None:
    assert compose.load("zero", ["seed=1", "seed=2", "model=hub", "model=nano"]).seed == 2


def test_open_mappings_take_new_keys_without_plus() -> None:
    words = ["stage.trl.epsilon=0.3", "reward.language.weight=0.1", "model.architecture.rope_theta=500"]
    config = compose.load("zero", words)
    assert isinstance(config.stage, ZeroStage) and config.model.architecture is not None
    assert config.stage.trl["epsilon"] == 0.3 and "loss_type" in config.stage.trl
    assert config.reward["language"].weight == 0.1
    assert config.model.architecture["rope_theta"] == 500


def test_numbers_are_reached_by_their_dotted_key_and_replaced_by_a_mapping() -> None:
    added = compose.load("zero", ["task.numbers.3=0.5", "task.numbers.4=0.5"])
    assert (
        isinstance(added.task, CountdownTask)
        and added.task.numbers[3] == 0.5
        and added.task.numbers[4] == 0.5
    )
    replaced = compose.load("zero", ["task.numbers={2: 1.0}"])
    assert isinstance(replaced.task, CountdownTask) and replaced.task.numbers == {2: 1.0}


def test_values_that_hydras_grammar_has_no_place_for_are_text() -> None:
    for path in ("/data/日本/a(1).jsonl", "s3/x=y.jsonl", "/with space/a.jsonl", "C:\\rows.jsonl"):
        config = compose.load("zero", ["task=gsm8k", f"task.path={path}"])
        assert isinstance(config.task, TableTask) and config.task.path == path


def test_lists_quotes_null_and_numbers_as_names() -> None:
    config = compose.load(
        "zero", ["logger.tags=[a,b]", "logger.group='x,y'", "model.lora=null", "run_id=0007"]
    )
    assert (config.logger.tags, config.logger.group, config.model.lora) == (["a", "b"], "x,y", None)
    assert config.run_id == "0007"
    assert compose.load("zero", ["run_id=7"]).run_id == "7"


def test_home_is_expanded_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    config = compose.load("zero", ["runs_dir=~/runs", "model.path=~/m.gguf"])
    assert (config.runs_dir, config.model.path) == ("/home/ada/runs", "/home/ada/m.gguf")


def test_runs_dir_default_environment_override(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compose.load("zero", []).runs_dir == "runs"
    monkeypatch.setenv("R1_RUNS", "/scratch/runs")
    assert compose.load("zero", []).runs_dir == "/scratch/runs"
    assert compose.load("zero", ["runs_dir=here"]).runs_dir == "here"


def test_base_stage() -> None:
    config = compose.load("base", [])
    assert isinstance(config.stage, BaseStage) and config.model.architecture is not None


def test_a_config_is_frozen() -> None:
    config = compose.load("zero", [])
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


# ── saved configs ──


def test_yaml_reads_back_equal(tmp_path: Path) -> None:
    words = ["task.numbers={2: 0.2, 3: 0.8}", "run_id='007'", "stage.trl.epsilon=1e-6", "logger.group='null'"]
    config = compose.load("zero", words)
    file = tmp_path / "config.yaml"
    file.write_text(compose.to_yaml(config))
    assert compose.from_saved(file) == config


def test_a_saved_config_takes_settings_but_no_groups(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(compose.to_yaml(compose.load("zero", ["run_id=first", "seed=3"])))
    again = compose.load(None, ["stage.steps=5"], config_file=file)
    assert isinstance(again.stage, ZeroStage) and (again.stage.steps, again.seed) == (5, 3)
    assert again.run_id is None  # that name is taken by the run the file came from
    with pytest.raises(UserError, match="groups cannot be switched on a saved config"):
        compose.load("zero", ["model=hub"], config_file=file)
    with pytest.raises(UserError, match="stage `zero`, not `base`"):
        compose.load("base", [], config_file=file)


def test_environment_wins_over_a_saved_runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(compose.to_yaml(compose.load("zero", ["runs_dir=old"])))
    assert compose.load(None, [], config_file=file).runs_dir == "old"
    monkeypatch.setenv("R1_RUNS", "new")
    assert compose.load(None, [], config_file=file).runs_dir == "new"
    assert compose.from_saved(file).runs_dir == "old"


def test_digest_is_of_what_decides_the_result() -> None:
    first = compose.digest(compose.load("zero", []))
    assert len(first) == 64 and int(first, 16) >= 0
    for same in ("run_id=x", "runs_dir=elsewhere", "logger.wandb=true", "launcher.threads=1"):
        assert compose.digest(compose.load("zero", [same])) == first
    for other in ("seed=1", "stage.learning_rate=1e-5", "reward.format.weight=0.5", "task.high=8"):
        assert compose.digest(compose.load("zero", [other])) != first


# ── files of one's own ──


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


MINE = "defaults: [hub, _self_]\nname: mine\nhub_id: me/mine\nrl: {group_size: 4}\n"


def test_own_conf_and_config_dir_extend_the_groups(tmp_path: Path) -> None:
    write(tmp_path / "conf", "model/mine.yaml", MINE)
    write(tmp_path / "with 'quote", "reward/strict.yaml", "accuracy: {weight: 2.0}\n")
    config = compose.load("zero", ["model=mine", "reward=strict"], config_dir=tmp_path / "with 'quote")
    assert (config.model.hub_id, config.model.rl.group_size, config.model.template) == (
        "me/mine",
        4,
        "r1_zero",
    )
    assert config.reward["accuracy"].weight == 2.0


def test_an_equal_copy_of_the_shipped_files_is_no_conflict(tmp_path: Path) -> None:
    shipped = (groups.conf_dir() / "model" / "nano.yaml").read_text()
    write(tmp_path / "conf", "model/nano.yaml", shipped)
    assert compose.load("zero", ["model=nano"]).model.name == "nano"


def test_a_conf_folder_of_another_program_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "conf", "database.yaml", "{ not yaml")
    assert compose.load("zero", []).seed == 0


def test_saved_yaml_is_plain_and_complete() -> None:
    tree = yaml.safe_load(compose.to_yaml(compose.load("zero", [])))
    assert set(tree) == {
        "stage", "model", "task", "reward", "logger", "launcher", "seed", "runs_dir", "run_id",
    }  # fmt: skip
    assert "${" not in str(tree)
