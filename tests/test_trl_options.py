"""TRL's options are read from its sources, without importing it."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from r1cli.config import trl_options
from r1cli.errors import UserError


def test_options_of_trl_of_its_base_and_of_transformers_are_known() -> None:
    known = trl_options.known("grpo")
    assert {"num_generations", "epsilon", "loss_type", "lr_scheduler_type", "max_grad_norm", "bf16"} <= known
    assert "packing" in trl_options.known("sft") and "epsilon" not in trl_options.known("sft")
    assert not any(name.startswith("_") for name in known)


def test_reading_them_imports_neither_trl_nor_torch() -> None:
    code = (
        "import sys; from r1cli.config import trl_options; trl_options.known('grpo');"
        "names = ('trl', 'transformers', 'torch', 'hydra', 'pydantic');"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["grpo", "sft"])
def test_what_r1_sets_itself_is_an_option_of_trl(kind: trl_options.Kind) -> None:
    assert trl_options.RESERVED[kind].keys() <= trl_options.known(kind)


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no option `epsilon_hig`\. Did you mean `stage\.trl\.epsilon_high`"):
        trl_options.check("grpo", {"epsilon_hig": 0.28}, {})
    with pytest.raises(UserError, match="no option `_n_gpu`"):
        trl_options.check("grpo", {"_n_gpu": 1}, {})


def test_reserved_option_names_its_setting() -> None:
    with pytest.raises(UserError, match="set by r1 itself") as caught:
        trl_options.check("grpo", {"num_generations": 4}, {"num_generations": "set `stage.group_size`"})
    assert "set `stage.group_size`" in str(caught.value)


def test_a_reserved_option_is_never_proposed() -> None:
    with pytest.raises(UserError) as caught:
        trl_options.check("grpo", {"num_generation": 4}, trl_options.RESERVED["grpo"])
    assert "stage.trl.num_generations`" not in str(caught.value)


def test_known_options_pass() -> None:
    trl_options.check(
        "grpo", {"epsilon": 0.2, "epsilon_high": 0.28, "max_grad_norm": 0.5}, trl_options.RESERVED["grpo"]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_grad_norm", "abc"), ("bf16", "maybe"), ("bf16", 1), ("epsilon", True), ("num_iterations", 1.5),
        ("lr_scheduler_type", 3), ("top_k", "many"), ("epsilon", None), ("optim_args", [1]),
    ],
)  # fmt: skip
def test_values_of_a_wrong_type_are_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"stage\.trl\.{name}: TRL declares it as `.+`, got "):
        trl_options.check("grpo", {name: value}, {})


def test_values_of_a_right_type_pass() -> None:
    right: dict[str, object] = {"max_grad_norm": 1, "bf16": False, "epsilon_high": None, "optim": "sgd"}
    right |= {"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"a": 1}, "generation_kwargs": None}
    trl_options.check("grpo", right, {})


@pytest.mark.parametrize(
    ("kind", "name", "good", "bad", "meant"),
    [
        ("grpo", "loss_type", "dr_grpo", "dr-grpo", "dr_grpo"),
        ("grpo", "scale_rewards", "none", "non", "none"),
        ("grpo", "importance_sampling_level", "sequence", "tokens", "token"),
        ("grpo", "vllm_mode", "server", "serve", "server"),
        ("grpo", "lr_scheduler_type", "cosine", "cosin", "cosine"),
        ("sft", "optim", "adamw_torch", "adam_torch", "adamw_torch"),
        ("sft", "packing_strategy", "bfd_split", "bfd-split", "bfd_split"),
    ],
)
def test_values_that_trl_does_not_take_are_refused(
    kind: trl_options.Kind, name: str, good: str, bad: str, meant: str
) -> None:
    trl_options.check(kind, {name: good}, {})
    with pytest.raises(UserError, match=rf"unknown stage\.trl\.{name} `{bad}`\. Did you mean `{meant}`\?"):
        trl_options.check(kind, {name: bad}, {})


def compared(kind: trl_options.Kind, name: str) -> set[str]:
    """The texts that TRL's trainer compares an option with."""
    spec = find_spec("trl")
    assert spec is not None and spec.origin is not None
    source = (Path(spec.origin).parent / "trainer" / f"{kind}_trainer.py").read_text()
    found = (
        node.comparators
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == name
    )
    return {
        leaf.value
        for nodes in found
        for node in nodes
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, v in trl_options.VALUES.items() for name in v]
)
def test_the_values_are_those_that_the_installed_trl_knows(kind: trl_options.Kind, name: str) -> None:
    assert compared(kind, name) == set(trl_options.VALUES[kind][name])


@pytest.mark.slow
def test_every_value_is_one_of_a_valid_config() -> None:
    from transformers.trainer_utils import SchedulerType
    from transformers.training_args import OptimizerNames
    from trl import GRPOConfig, SFTConfig

    for enum, name in ((SchedulerType, "lr_scheduler_type"), (OptimizerNames, "optim")):
        for member in enum:
            trl_options.check("grpo", {name: member.value}, {})
    for make, options in ((GRPOConfig, trl_options.VALUES["grpo"]), (SFTConfig, trl_options.VALUES["sft"])):
        for name, values in options.items():
            for value in values:
                assert getattr(make(**{name: value, "bf16": False, "use_cpu": True}), name) == value


@pytest.mark.slow
def test_the_names_are_those_of_the_classes() -> None:
    from dataclasses import fields

    from trl import GRPOConfig, SFTConfig

    assert trl_options.known("grpo") == {field.name for field in fields(GRPOConfig) if field.init}
    assert trl_options.known("sft") == {field.name for field in fields(SFTConfig) if field.init}
