"""R1-Zero: reinforcement learning from verifiable rewards on a base model (DeepSeek-R1 section 2.2)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from r1cli import tasks
from r1cli.config.batch import BatchPlan, prompts_at_once, solve
from r1cli.config.schema import Config
from r1cli.config.stage_schema import ZeroStage
from r1cli.errors import UserError
from r1cli.problem import Problem
from r1cli.prompts import template
from r1cli.report import card
from r1cli.runs.run import Run
from r1cli.stages import models
from r1cli.stages.callbacks import Evaluator, Stopper
from r1cli.stages.evaluate import held_out
from r1cli.stages.grading import Grader
from r1cli.stages.learning import learn, room
from r1cli.stages.listener import Listener
from r1cli.stages.output import Output, output_of
from r1cli.stages.recorder import Recorder
from r1cli.stages.stop import StopRequest
from r1cli.stages.trainer import Clock, ZeroTrainer, rollout, samples_plainly


def run_zero(config: Config, run: Run, listeners: Sequence[Listener], stop: StopRequest) -> None:
    """Load the policy and the problems, build the trainer, learn, save."""
    stage = config.stage
    assert isinstance(stage, ZeroStage)
    policy = models.load(config.model)
    _place_reference(config, run, policy)
    task = tasks.load(config.task, config.seed)
    least = prompts_at_once(batch_plan(config), stage.trl.get("steps_per_generation"))
    train = task.train(max(least, stage.steps * stage.prompts_per_step))
    heldout = task.heldout(stage.eval.problems)
    _check_problems(train, heldout, least)
    output = output_of(config, run, policy, listeners)
    trainer = build(config, run, policy, train, heldout, output, stop)
    learn(trainer, run, output, stop)
    if trainer.accelerator.is_main_process:
        with room(run.model):
            models.save(trainer.accelerator.unwrap_model(trainer.model), policy.tokenizer, run.model)
        card.write(run, config)


def batch_plan(config: Config) -> BatchPlan:
    """How one update's completions are divided over devices and micro-batches."""
    stage = config.stage
    assert isinstance(stage, ZeroStage)
    return solve(stage.prompts_per_step, stage.group_size, stage.micro_batch, config.launcher.processes)


def order(problems: int, wanted: int, least: int, seed: int) -> list[int]:
    """Positions of the problems in the order in which they are asked, at least `wanted` of them.

    Every round after the first is shuffled anew. The rest of a round that does not fill a generation of
    `least` prompts is left out, so that none has a prompt twice. One list for the whole run, because TRL's
    sampler forgets in a resumed run how often it has shuffled.
    """
    places, asked, rounds = list(range(problems)), list[int](), 0
    while len(asked) < wanted:
        asked += places[: problems - problems % least]
        rounds += 1
        Random(f"{seed} {rounds}").shuffle(places)
    return asked


def build(
    config: Config,
    run: Run,
    policy: models.Policy,
    train: Sequence[Problem],
    heldout: Sequence[Problem],
    output: Output,
    stop: StopRequest,
) -> ZeroTrainer:
    """The trainer with its rewards, recorder and evaluator."""
    from datasets import Dataset
    from transformers import PrinterCallback

    stage = config.stage
    assert isinstance(stage, ZeroStage)
    name = config.model.template
    lengths = [len(ids) for ids in models.encode(policy, name, train)]
    _check_lengths(policy, lengths, stage)
    grader = Grader(train, config.reward, prefill=template(name).prefill, stop=policy.stop)
    clock = Clock()
    recorder = Recorder(config, grader, clock, output, lengths)
    recorder.continue_from(run.last_train_row())
    held = held_out(config, policy, heldout, stage.max_completion_tokens)
    evaluator = Evaluator(held, output, stop)
    functions, weights = grader.functions()
    prompts = [models.prompt_text(name, policy.tokenizer, p) for p in train]
    asked = order(
        len(train),
        stage.steps * stage.prompts_per_step,
        prompts_at_once(batch_plan(config), stage.trl.get("steps_per_generation")),
        config.seed,
    )
    trainer = ZeroTrainer(
        model=policy.model,
        reward_funcs=functions,
        args=trl_args(config, run.checkpoints, weights),
        train_dataset=Dataset.from_dict({"prompt": [prompts[i] for i in asked], "problem": asked}),
        processing_class=policy.tokenizer,
        peft_config=models.lora(config.model),
        callbacks=[recorder, evaluator, Stopper(stop)],
        rollout_func=partial(rollout, special=name != "chat") if samples_plainly(stage.trl) else None,
        clock=clock,
        measure=recorder.measure,
    )
    trainer.remove_callback(PrinterCallback)
    evaluator.trainer = trainer
    return trainer


def trl_args(config: Config, checkpoints: Path, weights: list[float]) -> Any:
    """`GRPOConfig` from r1's settings and the passed-through ones; on a CPU nothing is cast to bf16."""
    import torch
    from trl import GRPOConfig

    stage, plan = config.stage, batch_plan(config)
    assert isinstance(stage, ZeroStage)
    cuda = torch.cuda.is_available()
    ours = {
        "output_dir": str(checkpoints),
        "max_steps": stage.steps,
        "per_device_train_batch_size": plan.per_device,
        "gradient_accumulation_steps": plan.accumulation,
        "num_generations": stage.group_size,
        "max_completion_length": stage.max_completion_tokens,
        "temperature": stage.temperature,
        "learning_rate": stage.learning_rate,
        "beta": stage.kl_weight,
        "reward_weights": weights,
        "seed": config.seed,
        "report_to": config.logger.report_to or "none",
        "logging_steps": 1,
        "save_strategy": "steps" if stage.save_every else "no",
        "save_steps": stage.save_every or 1,
        "disable_tqdm": True,
        "use_cpu": not cuda,
    }
    return GRPOConfig(**({"bf16": cuda, "shuffle_dataset": False} | stage.trl | ours))


def _place_reference(config: Config, run: Run, policy: models.Policy) -> None:
    """Give a GGUF policy a directory: TRL reads the KL reference from its path and cannot read that file."""
    path = config.model.path
    if path is None or not path.endswith(".gguf"):
        return
    stage = config.stage
    if isinstance(stage, ZeroStage) and stage.kl_weight > 0 and config.model.lora is None:
        source = run.dir / "source"
        if not source.is_dir():
            models.save(policy.model, policy.tokenizer, source)
        policy.model.config._name_or_path = str(source)


def _check_problems(train: Sequence[Problem], heldout: Sequence[Problem], least: int) -> None:
    if len(train) < least:
        raise UserError(
            f"the task has {len(train)} training problems, fewer than the {least} prompts of one generation.",
            "Lower stage.prompts_per_step or stage.trl.steps_per_generation, or give more rows.",
        )
    if not heldout:
        raise UserError(
            "the task has no held-out problems.", "Raise task.heldout_share or give task.heldout_path."
        )


def _check_lengths(policy: models.Policy, lengths: Sequence[int], stage: ZeroStage) -> None:
    window = getattr(policy.model.config, "max_position_embeddings", None)
    longest = max(lengths)
    if window is not None and longest + stage.max_completion_tokens > window:
        raise UserError(
            f"the longest prompt has {longest} tokens; with stage.max_completion_tokens="
            f"{stage.max_completion_tokens} that exceeds the model's context of {window}.",
            f"Set stage.max_completion_tokens to at most {window - longest}.",
        )
