"""Names of TRL's own options, read from its sources, so that a wrong one fails before TRL is imported.

`from trl import GRPOConfig` takes 5.5 s; parsing the three files its fields stand in takes 0.06 s.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from r1cli.errors import UserError, nearest, unknown

Kind = Literal["grpo", "sft"]

# Each class and the file that defines it. GRPOConfig has the fields of _BaseConfig and TrainingArguments too.
_FILES: dict[str, tuple[str, str]] = {
    "GRPOConfig": ("trl", "trainer/grpo_config.py"),
    "SFTConfig": ("trl", "trainer/sft_config.py"),
    "_BaseConfig": ("trl", "trainer/base_config.py"),
    "TrainingArguments": ("transformers", "training_args.py"),
    "OptimizerNames": ("transformers", "training_args.py"),
    "SchedulerType": ("transformers", "trainer_utils.py"),
}
CLASSES: dict[Kind, str] = {"grpo": "GRPOConfig", "sft": "SFTConfig"}

_COMMON: dict[str, str] = {
    "output_dir": "it is the run's own directory; set `runs_dir` or `run_id`",
    "run_name": "set `run_id`",
    "project": "set `logger.project`",
    "report_to": "set `logger.report_to`",
    "logging_steps": "every step is logged",
    "logging_strategy": "every step is logged",
    "logging_first_step": "every step is logged",
    "save_steps": "set `stage.save_every`",
    "save_strategy": "set `stage.save_every`",
    "learning_rate": "set `stage.learning_rate`",
    "seed": "set `seed`",
    "data_seed": "set `seed`",
    "disable_tqdm": "the live table takes its place",
    "resume_from_checkpoint": "use `r1 resume ID`",
    "auto_find_batch_size": "the batch is fixed before the run starts",
    "model_init_kwargs": "set `model.dtype` or `model.path`",
    "hub_token": "set the environment variable HF_TOKEN, so that it stays out of the saved config",
}
RESERVED: dict[Kind, dict[str, str]] = {
    "grpo": _COMMON
    | {
        "max_steps": "set `stage.steps`",
        "num_train_epochs": "set `stage.steps`",
        "per_device_train_batch_size": "set `stage.micro_batch`",
        "gradient_accumulation_steps": "set `stage.prompts_per_step` or `stage.micro_batch`",
        "generation_batch_size": "set `stage.prompts_per_step`",
        "num_generations": "set `stage.group_size`",
        "num_generations_eval": "set `stage.eval.samples`",
        "max_completion_length": "set `stage.max_completion_tokens`",
        "temperature": "set `stage.temperature`",
        "beta": "set `stage.kl_weight`",
        "reward_weights": "set `reward.<name>.weight`",
        "eval_strategy": "set `stage.eval.every`",
        "eval_steps": "set `stage.eval.every`",
        "do_eval": "set `stage.eval.every`",
        "per_device_eval_batch_size": "set `stage.eval.batch`",
        "log_completions": "samples.jsonl holds them; set `stage.samples_every`",
        "use_cpu": "a GPU is used when there is one; hide it with CUDA_VISIBLE_DEVICES",
        "remove_unused_columns": "the rewards need the column with the problem",
        "shuffle_dataset": "the task orders the problems by `seed`",
    },
    "sft": _COMMON
    | {
        "per_device_train_batch_size": "set `stage.batch_documents`",
        "gradient_accumulation_steps": "set `stage.batch_documents`",
        "max_steps": "set `stage.documents`",
        "num_train_epochs": "every document is read once; set `stage.documents`",
        "train_sampling_strategy": "the corpus is read in order",
        "max_length": "no text is cut",
        "gradient_checkpointing": "the models made here are small",
        "bf16": "the models made here are trained in float32",
        "use_cpu": "a GPU is used when there is one; hide it with CUDA_VISIBLE_DEVICES",
    },
}
"""Options that r1 sets itself -> what to do in their place."""

VALUES: dict[Kind, dict[str, tuple[str, ...]]] = {
    "grpo": {
        "loss_type": ("grpo", "dapo", "dr_grpo", "bnpo", "cispo", "sapo", "luspo", "vespo"),
        "scale_rewards": ("group", "batch", "none"),
        "importance_sampling_level": ("token", "sequence"),
        "multi_objective_aggregation": ("sum_then_normalize", "normalize_then_sum"),
        "vllm_mode": ("colocate", "server"),
        "vllm_importance_sampling_mode": (
            "token_truncate",
            "token_mask",
            "sequence_truncate",
            "sequence_mask",
        ),
    },
    "sft": {
        "loss_type": ("nll", "dft"),
        "packing_strategy": ("bfd", "bfd_split", "wrapped"),
        "truncation_mode": ("keep_start", "keep_end"),
    },
}
"""Options declared as text of which TRL takes only these; it complains in the first step, or not at all."""
_ENUMS = {"lr_scheduler_type": "SchedulerType", "optim": "OptimizerNames"}
"""Options of transformers whose values are those of an enum in its sources."""

_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "dict": (dict,),
    "list": (list,),
    "None": (type(None),),
}


def known(kind: Kind) -> frozenset[str]:
    """Every option of TRL's `GRPOConfig` or `SFTConfig` as installed; nothing of TRL is imported.

    Raises:
        UserError: trl or transformers is not installed.
    """
    return frozenset(_options(kind))


def check(kind: Kind, options: Mapping[str, Any], reserved: Mapping[str, str]) -> None:
    """Refuse options that TRL does not have or that r1 sets itself, and values that TRL does not take.

    Args:
        kind: which trainer's options they are.
        options: the content of `stage.trl`.
        reserved: option -> what to do in its place, in words.

    Raises:
        UserError: with the nearest option or value, the setting in its place, or the type TRL declares.
    """
    for name, value in options.items():
        if name in reserved:
            raise UserError(f"`stage.trl.{name}` is set by r1 itself.", f"In its place: {reserved[name]}.")
        if name not in known(kind):
            guess = nearest(name, known(kind) - reserved.keys())
            meant = f" Did you mean `stage.trl.{guess}`?" if guess else ""
            raise UserError(
                f"`stage.trl.{name}`: TRL's {CLASSES[kind]} has no option `{name}`.{meant}",
                f"`stage.trl` takes the options of trl.{CLASSES[kind]} by their own names.",
            )
        declared = _options(kind)[name]
        if not _fits(value, declared):
            raise UserError(f"stage.trl.{name}: TRL declares it as `{ast.unparse(declared)}`, got {value!r}.")
        allowed = _allowed(kind, name)
        if allowed is not None and value not in allowed:
            raise unknown(f"stage.trl.{name}", value, allowed)


def _allowed(kind: Kind, name: str) -> tuple[str, ...] | None:
    """The only values of an option, or None when its type is all that is known."""
    if name not in _ENUMS:
        return VALUES[kind].get(name)
    lines = _class(_ENUMS[name]).body
    assigned = [line.value for line in lines if isinstance(line, ast.Assign)]
    return tuple(str(value.value) for value in assigned if isinstance(value, ast.Constant))


def _fits(value: Any, declared: ast.expr) -> bool:
    """Whether a YAML value can be what the annotation says; of a type not known here anything can."""
    if isinstance(declared, ast.BinOp):
        return _fits(value, declared.left) or _fits(value, declared.right)
    if isinstance(declared, ast.Subscript):
        if ast.unparse(declared.value) == "Literal":
            return ast.unparse(declared.slice) == repr(value)
        return _fits(value, declared.value)
    name = ast.unparse(declared)
    if name not in _TYPES:
        return isinstance(value, str)  # an enum, by its text
    # True is an int to Python, but no number to a user.
    return isinstance(value, _TYPES[name]) and (name == "bool" or not isinstance(value, bool))


@cache
def _options(kind: Kind) -> dict[str, ast.expr]:
    return dict(_fields(CLASSES[kind]))


def _fields(name: str) -> Iterator[tuple[str, ast.expr]]:
    """The dataclass fields of a class and of its bases, with their annotations."""
    node = _class(name)
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in _FILES:
            yield from _fields(base.id)
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and _is_option(line):
            yield line.target.id, line.annotation


def _is_option(line: ast.AnnAssign) -> bool:
    """Private names, ClassVars and `field(init=False)` are not options."""
    assert isinstance(line.target, ast.Name)
    hidden = isinstance(line.value, ast.Call) and any(
        word.arg == "init" and isinstance(word.value, ast.Constant) and word.value.value is False
        for word in line.value.keywords
    )
    return not (hidden or line.target.id.startswith("_") or "ClassVar" in ast.unparse(line.annotation))


def _class(name: str) -> ast.ClassDef:
    package, file = _FILES[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"the package `{package}` is not installed.", "Install r1cli with its dependencies.")
    tree = ast.parse((Path(spec.origin).parent / file).read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
