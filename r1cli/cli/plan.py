"""What a config would do: checked, and said in a few lines. Nothing is started and no model is loaded."""

import json
from collections.abc import Iterator
from pathlib import Path

from r1cli.config import batch
from r1cli.config.schema import Config, ModelConfig
from r1cli.config.stage_schema import BaseStage, ZeroStage
from r1cli.config.task_schema import TableTask
from r1cli.errors import UserError

_WIDTH = 13
"""Of the column with the names, in characters."""


def preflight(config: Config, *, model: bool = True) -> None:
    """Find now what would stop the run later; takes no longer than reading the task's local files.

    `model` is False for a step of a recipe whose model an earlier step has yet to make.

    Raises:
        UserError: a template, reward, verifier, model, task file or run directory is not as it must be.
    """
    from r1cli import prompts, rewards
    from r1cli.config import compose
    from r1cli.runs import store

    prompts.template(config.model.template)
    rewards.check(config.reward)
    if isinstance(config.stage, ZeroStage):
        from r1cli.stages.models import locate

        if model:
            _fits(config, config.stage, locate(config.model))
        _task(config, config.stage)
    store.planned(config, compose.digest(config))


def _fits(config: Config, stage: ZeroStage, home: Path | None) -> None:
    """Refuse completions longer than the context, where the model is on this machine."""
    if home is None or not home.is_dir():
        return
    window = json.loads((home / "config.json").read_text()).get("max_position_embeddings")
    if window is not None and stage.max_completion_tokens >= window:
        raise UserError(
            f"stage.max_completion_tokens={stage.max_completion_tokens} leaves no room for a prompt: model "
            f"{config.model.name} reads {window} tokens.",
            f"Set it below {window}.",
        )


def _task(config: Config, stage: ZeroStage) -> None:
    from r1cli import tasks, verifiers

    if isinstance(config.task, TableTask) and config.task.path is None:
        verifiers.check(config.task.verifier)  # its rows are on the Hub: nothing is downloaded here
        return
    task = tasks.load(config.task, config.seed)
    found = len(task.train(stage.prompts_per_step))
    if found < stage.prompts_per_step:
        raise UserError(
            f"task {config.task.name} has {found} training problems, fewer than one step's "
            f"{stage.prompts_per_step} prompts.",
            f"Lower stage.prompts_per_step to at most {found}, or give more rows.",
        )


def parents(config: Config) -> dict[str, str]:
    """`{"model": id}` when the policy is the `model/` of an earlier run."""
    if config.model.path is None:
        return {}
    home = Path(config.model.path).expanduser().resolve().parent
    return {"model": home.name} if (home / "manifest.json").is_file() else {}


def steps(config: Config) -> int:
    """Optimizer steps of the whole run."""
    stage = config.stage
    return stage.steps if isinstance(stage, ZeroStage) else stage.documents // stage.batch_documents


def headline(config: Config) -> str:
    """The run in a few words."""
    what = f"{config.stage.kind} on {config.task.name}"
    return f"{what}, {config.model.name}, {steps(config):,} steps"


def lines(config: Config, where: Path | None = None) -> Iterator[str]:
    """What would run, one aligned line each; `where` is the run directory once it is made."""
    rows = _zero(config, config.stage) if isinstance(config.stage, ZeroStage) else _base(config, config.stage)
    yield from (f"{name:<{_WIDTH}}{text}" for name, text in rows)
    if where is None:
        from r1cli.config import compose
        from r1cli.runs import store

        yield f"{'would write':<{_WIDTH}}{store.planned(config, compose.digest(config))}/"
    else:
        yield f"{'writes':<{_WIDTH}}{where}/"


def _zero(config: Config, stage: ZeroStage) -> Iterator[tuple[str, str]]:
    plan = batch.solve(stage.prompts_per_step, stage.group_size, stage.micro_batch, config.launcher.processes)
    completions, limit = plan.completions * stage.steps, stage.max_completion_tokens
    yield (
        "stage",
        f"zero (GRPO), {stage.steps:,} steps, learning rate {stage.learning_rate:g}, KL {stage.kl_weight:g}",
    )
    yield "model", source(config.model)
    yield "task", _task_text(config)
    yield "reward", " + ".join(f"{term.weight:g} x {name}" for name, term in config.reward.items())
    yield "batch", plan.sentence()
    yield "completions", f"{plan.completions:,} a step, {completions:,} in all"
    yield "tokens", f"at most {completions * limit:,} ({limit:,} each)"
    yield "evaluation", _evaluation(stage)
    yield (
        "checkpoints",
        (f"every {stage.save_every} steps and " if stage.save_every else "") + "when interrupted",
    )


def _base(config: Config, stage: BaseStage) -> Iterator[tuple[str, str]]:
    assert config.model.architecture is not None
    yield "stage", f"base (pretraining), {steps(config):,} steps, learning rate {stage.learning_rate:g}"
    yield "model", f"{config.model.name}: a new {config.model.architecture.get('model_type', 'model')}"
    yield (
        "corpus",
        f"{stage.documents:,} documents, {stage.batch_documents} a step, made from seed {config.seed}",
    )


def source(model: ModelConfig) -> str:
    """The model and where its weights come from."""
    if model.path is not None:
        where = f"from {model.path}"
    elif model.embedded is not None:
        where = "embedded in the package"
    else:
        where = f"{model.hub_id} of the Hugging Face Hub at {model.revision or 'main, not pinned'}"
    return f"{model.name}: {where}, {model.dtype}" + (f", LoRA rank {model.lora}" if model.lora else "")


def _task_text(config: Config) -> str:
    task = config.task
    if not isinstance(task, TableTask):
        counts = " or ".join(str(n) for n, weight in task.numbers.items() if weight)
        return f"{task.name}: {counts} numbers {task.low} to {task.high}, endless, seed {config.seed}"
    where = task.path or f"{task.hub_id} of the Hub at {task.revision or 'main, not pinned'}"
    return f"{task.name}: {where}, verifier {task.verifier}"


def evaluations(stage: ZeroStage) -> int:
    """Before the first step, every `every` steps, and after the last one (once, if that is one of them)."""
    between = (stage.steps - 1) // stage.eval.every if stage.eval.every else 0
    return between + 2


def _evaluation(stage: ZeroStage) -> str:
    each, count = stage.eval.problems * stage.eval.samples, evaluations(stage)
    often = f"every {stage.eval.every} steps, " if count > 2 else ""
    most = each * count * stage.max_completion_tokens
    return (
        f"{stage.eval.problems:,} held-out problems x {stage.eval.samples}, {count} times "
        f"(before, {often}after): at most {most:,} tokens"
    )
