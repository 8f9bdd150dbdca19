"""Every mistake a config can catch gets one or two lines that name it and a way out."""

from pathlib import Path

import pytest

from r1cli.config import compose
from r1cli.errors import UserError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("R1_RUNS", raising=False)


def complaint(*words: str, stage: str = "zero", config_dir: Path | None = None) -> str:
    """What `r1 train STAGE WORDS` complains of, checked for its form."""
    with pytest.raises(UserError) as caught:
        compose.load(stage, words, config_dir=config_dir)
    text = str(caught.value)
    assert 1 <= len(text.splitlines()) <= 2, text
    for foreign in ("Traceback", "hydra", "Hydra", "pydantic", "append", "omegaconf", "_self_", "https://"):
        assert foreign not in text
    return text


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        # names that do not exist
        (["model=qwen"], ["unknown model `qwen`", "Did you mean `qwen2.5-", "nano-v3"]),
        (["task=countdwn"], ["unknown task `countdwn`", "Did you mean `countdown`"]),
        (["reward=accuracy"], ["unknown reward", "r1_zero"]),
        (["model="], ["unknown model ``", "nano"]),
        (["modle=nano"], ["unknown key `modle`", "`model`"]),
        (["stage.groupsize=8"], ["unknown key `stage.groupsize`", "Did you mean `stage.group_size`"]),
        (["stage.temprature=1"], ["Did you mean `stage.temperature`"]),
        (["learning_rate=1e-6"], ["Did you mean `stage.learning_rate`"]),
        (["steps=3"], ["Did you mean `stage.steps`"]),
        (["model.rl.stps=1"], ["Did you mean `model.rl.steps`"]),
        (["stage.eval.evry=1"], ["Did you mean `stage.eval.every`"]),
        (["sed=1"], ["Did you mean `seed`"]),
        (["zzz=1"], ["unknown key `zzz`", "--cfg"]),
        (["=3"], ["unknown key ``"]),
        (["stage.learning_rate.x=1"], ["unknown key `stage.learning_rate.x`"]),
        (["model@other=nano"], ["unknown key `model@other`"]),
        (["model/x=nano"], ["unknown key `model/x`"]),
        (["reward.language.wieght=1"], ["Did you mean `reward.language.weight`"]),
        (["reward.language=1"], ["Did you mean `reward.language.weight`"]),
        # TRL's options
        (
            ["stage.trl.epsilom=0.2"],
            ["GRPOConfig has no option `epsilom`", "Did you mean `stage.trl.epsilon`"],
        ),
        (["stage.trl.warmup_ratio=0.1"], ["no option `warmup_ratio`"]),
        (["stage.trl.num_generations=4"], ["set by r1 itself", "stage.group_size"]),
        (["stage.trl.learning_rate=1"], ["set by r1 itself", "stage.learning_rate"]),
        (["stage.epsilon=0.2"], ["Did you mean `stage.trl.epsilon`", "TRL"]),
        (["stage.beta=0.001"], ["stage.kl_weight"]),
        (
            ["stage.trl.loss_type=dapoo"],
            ["unknown stage.trl.loss_type `dapoo`", "Did you mean `dapo`", "grpo"],
        ),
        (["stage.trl.scale_rewards=batches"], ["Did you mean `batch`", "group, none"]),
        (["stage.trl.importance_sampling_level=sequences"], ["Did you mean `sequence`"]),
        (["stage.trl.multi_objective_aggregation=sum"], ["Known: normalize_then_sum, sum_then_normalize"]),
        (["stage.trl.vllm_mode=collocate"], ["Did you mean `colocate`"]),
        (["stage.trl.loss_type=7"], ["stage.trl.loss_type: TRL declares it as `str`, got 7"]),
        (["stage.trl.num_iterations=0"], ["stage.trl.num_iterations=0", "at least once"]),
        (["stage.trl.num_iterations=-2"], ["stage.trl.num_iterations=-2", "num_iterations=1"]),
        (["stage.trl.steps_per_generation=0"], ["steps_per_generation=0", "steps_per_generation=1"]),
        (["stage.trl.steps_per_generation=-4"], ["steps_per_generation=-4", "steps_per_generation=1"]),
        # 4 x 6 = 24 = 6 passes of 4; a pass holds 2/3 of a group of 6, so whole groups take 3, 6, 9 … passes
        (
            [
                "stage.prompts_per_step=4",
                "stage.group_size=6",
                "stage.micro_batch=4",
                "stage.trl.steps_per_generation=4",
            ],
            [
                "so many passes of 4",
                "stage.group_size (6)",
                "nearest that does: stage.trl.steps_per_generation=3",
            ],
        ),
        # forms that are refused
        (["+stage.trl.epsilon=0.2"], ["starts with `+`", "Write `stage.trl.epsilon=0.2`"]),
        (["++seed=1"], ["Write `seed=1`"]),
        (["~reward.format"], ["nothing can be deleted", "reward.format.weight=0"]),
        (["seed=1,2,3"], ["`seed=1,2,3` holds several values", "one run"]),
        (["seed=range(1,4)"], ["`seed=range(1,4)` holds several values"]),
        (["model=nano,hub"], ["`model=nano,hub` holds several values"]),
        (["seed"], ["`seed` is not an override", "key=value"]),
        (["logger.tags=[a"], ["`[a` cannot be read as a value"]),
        (["stage.kind=base"], ["`stage.kind` belongs to the file", "stage=NAME"]),
        (["stage=base"], ["the stage is named twice"]),
        (["model._target_=os.system"], ["_target_", "refuses"]),
        (["stage.trl={_target_: os.system}"], ["_target_", "refuses"]),
        (["logger.project=${oc.env:HOME}"], ["`logger.project` holds", "no plain reference", "refuses"]),
        (["run_id=${oc.env:WANDB_API_KEY}"], ["`run_id` holds"]),
        (["run_id=x${now:%Y}"], ["`run_id` holds"]),
        (["logger.tags=[a,'${oc.env:HOME}']"], ["`logger.tags[1]` holds"]),
        (["run_id=${oc.decode:${oc.env:HOME}}"], ["`run_id` holds"]),
        (["run_id=${logger.${model.name}}"], ["`run_id` holds"]),
        (["stage.trl={a: '${oc.env:HOME}'}"], ["`stage.trl.a` holds"]),
        (["model=${oc.env:HOME}"], ["unknown model `${oc.env:HOME}`"]),
        # values of the wrong type or out of range
        (["stage.group_size=abc"], ["stage.group_size: expected a whole number, got 'abc'"]),
        (["stage.group_size=8.5"], ["stage.group_size: expected a whole number, got 8.5"]),
        (["stage.group_size=1"], ["stage.group_size: must be greater than or equal to 2, got 1"]),
        (["stage.learning_rate=fast"], ["stage.learning_rate: expected a number, got 'fast'"]),
        (["stage.learning_rate=nan"], ["stage.learning_rate", "nan"]),
        (["stage.learning_rate=inf"], ["stage.learning_rate: expected a finite number"]),
        (["stage.learning_rate=-1"], ["must be greater than 0, got -1"]),
        (["stage.steps="], ["stage.steps: expected a whole number, got ''"]),
        (["stage.steps=null"], ["stage.steps: expected a whole number, got None"]),
        (["stage.eval=3"], ["stage.eval: expected a mapping of settings, got 3"]),
        (["stage.trl=3"], ["stage.trl: expected a mapping"]),
        (["logger.wandb=maybe"], ["logger.wandb: expected true or false, got 'maybe'"]),
        (["model.dtype=fp16"], ["model.dtype: must be 'float32' or 'bfloat16', got 'fp16'"]),
        (["task.operations=[+,%]"], ["task.operations.1", "got '%'"]),
        (["task.heldout_share=1"], ["task.heldout_share: must be less than 1, got 1"]),
        (["seed=-1"], ["seed: must be greater than or equal to 0"]),
        (["reward.format.weight=-1"], ["reward.format.weight: must be greater than or equal to 0, got -1"]),
        (["reward.format.weight=much"], ["reward.format.weight: expected a number, got 'much'"]),
        (["stage.steps=x", "seed=y"], ["stage.steps", "1 more setting is wrong"]),
        (["seed=${nowhere}"], ["`nowhere` is not set"]),
        # settings that contradict each other
        (["task.low=9", "task.high=1"], ["task: low (9) must not be above high (1)"]),
        (["task.numbers={9: 1.0}"], ["task: numbers must map counts from 2 to 6"]),
        (
            ["stage.prompts_per_step=5", "stage.group_size=3", "launcher.processes=2"],
            ["(5) x stage.group_size (3) = 15", "launcher.processes (2)", "stage.prompts_per_step=4"],
        ),
        (["model.lora_alpha=8"], ["no effect without model.lora"]),
        (["model=hub"], ["says nowhere to take the model from", "model.hub_id"]),
        (["task=table"], ["names no rows", "task.path"]),
        (["task=gsm8k", "task.heldout_path=x"], ["needs task.path"]),
        (["reward.accuracy.weight=0", "reward.format.weight=0"], ["every reward weighs 0"]),
        (["stage.trl.sync_ref_model=true"], ["needs a reference model", "stage.kl_weight=0.001"]),
        (
            ["stage.trl.sync_ref_model=true", "stage.kl_weight=0.1", "model.lora=8"],
            ["does not go with model.lora"],
        ),
        (["stage.trl.use_transformers_continuous_batching=true"], ["bf16", "stage.trl.bf16=false"]),
        (["stage.trl.num_iterations=4", "stage.save_every=6"], ["window of 4 steps", "multiple"]),
    ],
)
def test_complaints(words: list[str], parts: list[str]) -> None:
    text = complaint(*words)
    for part in parts:
        assert part in text


def test_unknown_stage_lists_the_stages() -> None:
    text = complaint(stage="zro")
    assert "unknown stage `zro`" in text and "Did you mean `zero`" in text and "base" in text


def test_base_needs_an_architecture_and_takes_sft_options() -> None:
    assert "no architecture" in complaint("model=hub", "model.hub_id=a/b", stage="base")
    assert "the corpus is about Countdown, not gsm8k" in complaint("task=gsm8k", stage="base")
    assert "unknown stage.trl.loss_type `nl`" in complaint("stage.trl.loss_type=nl", stage="base")
    assert "more than stage.documents=10" in complaint("stage.documents=10", stage="base")
    assert "stage.corpus: facts and comparisons" in complaint("stage.corpus.facts=0.9", stage="base")
    assert "stage.corpus: patience [9, 2]" in complaint("stage.corpus.patience=[9,2]", stage="base")
    assert "Did you mean `stage.corpus.search`" in complaint("stage.corpus.serch=0.3", stage="base")
    assert "SFTConfig has no option `epsilon`" in complaint("stage.trl.epsilon=1", stage="base")
    assert "Did you mean `stage.trl.packing`" in complaint("stage.packing=true", stage="base")


# ── files ──


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: x\nrl: [", "bad.yaml is not YAML: line 3"),
        ("defaults: [nowhere, _self_]\n", "nowhere"),
        ("defaults: [hub, _self_]\nhub_id: a/b\nsize: 3\n", "model.size: there is no such setting"),
        ("name: x\n", "`model.rl.steps` is not set"),
        ("defaults: [hub, _self_]\nhub_id: a/b\nrl: {_target_: os.system}\n", "_target_"),
    ],
)
def test_a_bad_model_file_of_ones_own(tmp_path: Path, text: str, part: str) -> None:
    write(tmp_path, "mine/model/bad.yaml", text)
    with pytest.raises(UserError) as caught:
        compose.load("zero", ["model=bad"], config_dir=tmp_path / "mine")
    assert part in str(caught.value) and len(str(caught.value).splitlines()) <= 2


def test_a_value_that_a_file_leaves_open(tmp_path: Path) -> None:
    write(tmp_path, "conf/reward/open.yaml", "accuracy:\n  weight: ???\n")
    assert (
        complaint("reward=open") == "`reward.accuracy.weight` must be set.\nAdd reward.accuracy.weight=VALUE."
    )
    assert compose.load("zero", ["reward=open", "reward.accuracy.weight=2"]).reward["accuracy"].weight == 2.0


def test_a_file_that_shadows_a_shipped_one_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "conf/model/nano.yaml", "defaults: [hub, _self_]\nname: other\nhub_id: a/b\n")
    assert "in two places that differ" in complaint("model=nano")


def test_config_dir_that_is_none(tmp_path: Path) -> None:
    assert "no such folder" in complaint(config_dir=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds none of the folders stage, model" in complaint(config_dir=tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "has no settings"),
        ("- 1\n- 2\n", "is not a config"),
        ("a: [", "config.yaml is not YAML: line 2"),
        ("seed: 3\n", "is not set"),
        ("stage: {kind: distil}\n", "kind"),
        ("stage: {_target_: os.system, kind: zero}\n", "_target_"),
    ],
)
def test_a_bad_saved_config(tmp_path: Path, text: str, part: str) -> None:
    file = write(tmp_path, "config.yaml", text)
    with pytest.raises(UserError) as caught:
        compose.load(None, [], config_file=file)
    assert part in str(caught.value)
    with pytest.raises(UserError) as caught:
        compose.from_saved(file)
    assert part in str(caught.value)
    with pytest.raises(UserError):
        compose.load(None, ["stage.trlx=3"], config_file=file)


def test_a_saved_config_with_target_deep_inside_is_refused(tmp_path: Path) -> None:
    saved = compose.to_yaml(compose.load("zero", []))
    file = write(tmp_path, "config.yaml", saved.replace("loss_type: dapo", "x: [{_target_: os.system}]"))
    with pytest.raises(UserError, match=r"`stage\.trl\.x\[0\]` holds `_target_`"):
        compose.from_saved(file)


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "a ${oc.env:NOTHING,b}", "$${seed}${now:%Y}"])
def test_a_file_does_not_read_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    saved = compose.to_yaml(compose.load("zero", [])).replace("project: r1", f"project: '{text}'")
    file = write(tmp_path, "config.yaml", saved)
    assert text in saved
    with pytest.raises(
        UserError, match=r"`logger\.project` holds a `\$\{…\}` that is no plain reference"
    ) as one:
        compose.load(None, [], config_file=file)
    with pytest.raises(UserError, match=r"`logger\.project` holds") as other:
        compose.from_saved(file)
    assert len(str(one.value).splitlines()) == len(str(other.value).splitlines()) == 2
    write(tmp_path, "conf/reward/mine.yaml", f"accuracy:\n  weight: '{text}'\n")
    assert "`reward.accuracy.weight` holds" in complaint("reward=mine")
    write(tmp_path, "conf/model/mine.yaml", f"defaults: ['{text}', _self_]\nname: mine\n")
    assert "the config files cannot be composed" in complaint("model=mine")
    assert "/home/ada" not in complaint("model=mine")


def test_a_saved_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no config"):
        compose.from_saved(tmp_path / "config.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        compose.from_saved(tmp_path)
