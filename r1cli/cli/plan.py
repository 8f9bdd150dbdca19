"""What a config would do: checked, and said in a few lines. Nothing is started and no model is loaded."""

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
    if model:
        _model(config)
    _task(config)
    store.planned(config, compose.digest(config))
    store.try_out(config)


def _model(config: Config) -> None:
    """Of a model directory on this machine: is there room for a prompt, and a chat template if wanted."""
    from r1cli.stages import models

    stage, chat = config.stage, config.model.template == "chat"
    if not isinstance(stage, ZeroStage):
        if chat:  # it makes a tokenizer of its own, without one
            raise models.no_chat_template()
        return
    home = models.locate(config.model)
    if home is None or not home.is_dir():
        return
    if chat and not models.has_chat_template(home):
        raise models.no_chat_template()
    window = models.read_json(home / "config.json").get("max_position_embeddings")
    if isinstance(window, int) and stage.max_completion_tokens >= window:
        raise UserError(
            f"stage.max_completion_tokens={stage.max_completion_tokens} leaves no room for a prompt: model "
            f"{config.model.name} reads {window} tokens.",
            f"Set it below {window}.",
        )


def _task(config: Config) -> None:
    """Both kinds of problems must be there: held-out ones, and enough to train on for one generation."""
    from r1cli import tasks, verifiers

    if isinstance(config.task, TableTask) and config.task.path is None:
        verifiers.check(config.task.verifier)  # its rows are on the Hub: nothing is downloaded here
        return
    task = tasks.load(config.task, config.seed)
    if not task.heldout(1):
        raise UserError(f"task {config.task.name} has no held-out problems.", "Raise task.heldout_share.")
    least = _least(config, config.stage) if isinstance(config.stage, ZeroStage) else 1
    found = len(task.train(least))
    if found < least:
        raise UserError(
            f"task {config.task.name} has {found} training problems, fewer than the {least} prompts of one "
            "generation.",
            "Lower stage.prompts_per_step or stage.trl.steps_per_generation, or give more rows.",
        )


def _least(config: Config, stage: ZeroStage) -> int:
    return batch.prompts_at_once(_batch(config, stage), stage.trl.get("steps_per_generation"))


def _batch(config: Config, stage: ZeroStage) -> batch.BatchPlan:
    return batch.solve(stage.prompts_per_step, stage.group_size, stage.micro_batch, config.launcher.processes)


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
    plan = _batch(config, stage)
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
