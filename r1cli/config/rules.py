"""Rules that span several settings; each message names the settings and a way out."""

from r1cli.config import trl_options
from r1cli.config.batch import BatchPlan, prompts_at_once, solve
from r1cli.config.schema import Config
from r1cli.config.stage_schema import BaseStage, ZeroStage
from r1cli.config.task_schema import CountdownTask, TableTask
from r1cli.errors import UserError


def check(config: Config) -> None:
    """Refuse settings that contradict each other; costs no more than reading TRL's sources (0.1 s).

    Raises:
        UserError: the first contradiction found.
    """
    _model(config)
    _task(config)
    _reward(config)
    if isinstance(config.stage, ZeroStage):
        _zero(config, config.stage)
    else:
        _base(config, config.stage)


def _model(config: Config) -> None:
    model = config.model
    if model.path is None and model.embedded is None and model.hub_id is None:
        raise UserError(
            f"model {model.name} says nowhere to take the model from.",
            "Set model.hub_id=ORG/NAME or model.path=DIR.",
        )
    if model.lora_alpha is not None and model.lora is None:
        raise UserError(
            "model.lora_alpha has no effect without model.lora.", "Set model.lora to a rank, e.g. 64."
        )


def _task(config: Config) -> None:
    task = config.task
    if not isinstance(task, TableTask):
        return
    if task.path is None and task.hub_id is None:
        raise UserError(
            f"task {task.name} names no rows.", "Set task.path=FILE.jsonl or task.hub_id=ORG/NAME."
        )
    if task.heldout_path is not None and task.path is None:
        raise UserError(
            "task.heldout_path needs task.path.", "Set task.path to the file with the training rows."
        )


def _reward(config: Config) -> None:
    if not any(term.weight for term in config.reward.values()):
        raise UserError(
            "every reward weighs 0, so there is nothing to learn.", "Set reward.accuracy.weight=1."
        )


def _zero(config: Config, stage: ZeroStage) -> None:
    plan = solve(stage.prompts_per_step, stage.group_size, stage.micro_batch, config.launcher.processes)
    trl_options.check("grpo", stage.trl, trl_options.RESERVED["grpo"])
    if stage.trl.get("sync_ref_model") and stage.kl_weight == 0:
        raise UserError(
            "stage.trl.sync_ref_model=true needs a reference model, and stage.kl_weight=0 keeps none.",
            "Set stage.kl_weight=0.001 (the paper's), or stage.trl.sync_ref_model=false.",
        )
    if stage.trl.get("sync_ref_model") and config.model.lora is not None:
        raise UserError(
            "stage.trl.sync_ref_model=true does not go with model.lora, which has no reference to replace.",
            "Set model.lora=null, or stage.trl.sync_ref_model=false.",
        )
    if stage.trl.get("use_transformers_continuous_batching") and stage.trl.get("bf16") is not False:
        raise UserError(
            "stage.trl.use_transformers_continuous_batching with bf16 casts the weights to bf16 for good.",
            "Add stage.trl.bf16=false.",
        )
    _checkpoints(stage, plan)


def _checkpoints(stage: ZeroStage, plan: BatchPlan) -> None:
    """A checkpoint inside a generation window does not resume exactly: TRL samples that window anew."""
    wanted, rounds = stage.trl.get("steps_per_generation"), stage.trl.get("num_iterations", 1)
    prompts_at_once(plan, wanted)
    if rounds < 1:
        raise UserError(
            f"stage.trl.num_iterations={rounds}: every completion is learned from at least once.",
            "Set stage.trl.num_iterations=1, or leave it out.",
        )
    window = (plan.accumulation if wanted is None else wanted) * rounds
    if stage.save_every * plan.accumulation % window:
        raise UserError(
            f"stage.save_every={stage.save_every} falls inside a generation window of "
            f"{window / plan.accumulation:g} steps, from where a run cannot be resumed exactly.",
            "Choose a multiple of it, or 0 to save only at the end.",
        )


def _base(config: Config, stage: BaseStage) -> None:
    trl_options.check("sft", stage.trl, trl_options.RESERVED["sft"])
    if not isinstance(config.task, CountdownTask):
        raise UserError(f"the corpus is about Countdown, not {config.task.name}.", "Leave out `task=`.")
    if config.launcher.processes > 1:
        raise UserError("stage base runs in one process.", "Set launcher.processes=1.")
    if config.model.architecture is None:
        raise UserError(
            f"model {config.model.name} cannot be made from nothing: it has no architecture.",
            "Choose model=nano or model=nano-v3, or give `architecture` in a model file of your own.",
        )
    if stage.batch_documents > stage.documents:
        raise UserError(
            f"stage.batch_documents={stage.batch_documents} is more than stage.documents={stage.documents}.",
            "One step would need more texts than there are.",
        )
