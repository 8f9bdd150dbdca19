"""Make a base model from nothing: pretraining on the generated corpus (`r1cli/nano/corpus.py`)."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from r1cli import tasks
from r1cli.config.schema import Config
from r1cli.config.stage_schema import BaseStage
from r1cli.config.task_schema import CountdownTask
from r1cli.errors import UserError
from r1cli.metrics.rollouts import Rollout
from r1cli.nano import corpus, probes, tokenizer
from r1cli.problem import Status
from r1cli.report import card
from r1cli.runs.run import Run
from r1cli.stages import models
from r1cli.stages.callbacks import Evaluator, Stopper
from r1cli.stages.evaluate import held_out
from r1cli.stages.learning import learn, room
from r1cli.stages.listener import Listener
from r1cli.stages.output import Output, output_of
from r1cli.stages.process import redirect_transformers
from r1cli.stages.stop import StopRequest


def run_base(config: Config, run: Run, listeners: Sequence[Listener], stop: StopRequest) -> None:
    """Make a new model, read the corpus once, measure it, save it."""
    stage = config.stage
    assert isinstance(stage, BaseStage)
    policy = new_policy(config)
    output = output_of(config, run, policy, listeners)
    problems = tasks.load(config.task, config.seed).heldout(stage.eval.problems)
    held = held_out(config, policy, problems, stage.max_completion_tokens)
    evaluator = Evaluator(held, output, stop, probe_row)
    progress = Progress(config, output, run.last_train_row())
    trainer = build(config, run, policy, [progress, evaluator, Stopper(stop)])
    evaluator.trainer = trainer
    learn(trainer, run, output, stop)
    with room(run.model):
        models.save(trainer.model, policy.tokenizer, run.model)
    card.write(run, config)


def new_policy(config: Config) -> models.Policy:
    """A model of `model.architecture` with random weights from the seed, and the nano tokenizer."""
    from transformers import AutoConfig, AutoModelForCausalLM, set_seed

    redirect_transformers()
    set_seed(config.seed)
    words = new_tokenizer()
    architecture = dict(config.model.architecture or {})
    special = {
        "vocab_size": len(words),
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    try:
        settings = AutoConfig.for_model(**{"bos_token_id": None} | architecture | special)
        model = AutoModelForCausalLM.from_config(settings)
    except (TypeError, ValueError) as error:
        raise UserError(f"model.architecture: {error}".splitlines()[0]) from error
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    return models.Policy(model, words, [words.eos_token_id])


def new_tokenizer() -> Any:
    """The nano tokenizer in the form that transformers saves and loads."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.build(),
        eos_token=tokenizer.EOS,
        pad_token=tokenizer.PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build(config: Config, run: Run, policy: models.Policy, callbacks: list[TrainerCallback]) -> Any:
    """An SFTTrainer that reads the corpus in order: every step's texts are its own."""
    from datasets import Dataset
    from trl import SFTTrainer

    from r1cli.stages.optimizer import MuonAdamW

    stage = config.stage
    assert isinstance(stage, BaseStage)
    optimizer = MuonAdamW(policy.model, stage.learning_rate, stage.matrix_learning_rate)
    trainer = SFTTrainer(
        model=policy.model,
        args=sft_args(config, run.checkpoints),
        train_dataset=Dataset.from_dict({"input_ids": list(texts(config, policy))}),
        processing_class=policy.tokenizer,
        callbacks=callbacks,
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def texts(config: Config, policy: models.Policy) -> Iterator[list[int]]:
    """Token ids of every text with its stop token, step by step; within a step short texts come first."""
    stage = config.stage
    assert isinstance(stage, BaseStage)
    if not isinstance(config.task, CountdownTask):
        raise UserError(f"the corpus is about Countdown, not {config.task.name}.", "Leave out `task=`.")
    documents = corpus.documents(config.seed, stage.documents, stage.corpus, config.task)
    step: list[list[int]] = []
    for document in documents:
        step.append([*policy.tokenizer(document)["input_ids"], policy.tokenizer.eos_token_id])
        if len(step) == stage.batch_documents:
            yield from sorted(step, key=len)
            step = []


def sft_args(config: Config, checkpoints: Path) -> Any:
    """`SFTConfig` from r1's settings and the passed-through ones; nothing is cut, packed or shuffled."""
    import torch
    from trl import SFTConfig

    stage = config.stage
    assert isinstance(stage, BaseStage)
    ours = {
        "output_dir": str(checkpoints),
        "max_steps": stage.documents // stage.batch_documents,
        "per_device_train_batch_size": stage.micro_batch,
        "gradient_accumulation_steps": stage.batch_documents // stage.micro_batch,
        "train_sampling_strategy": "sequential",
        "max_length": None,
        "learning_rate": stage.learning_rate,
        "seed": config.seed,
        "report_to": config.logger.report_to or "none",
        "logging_steps": 1,
        "save_strategy": "steps" if stage.save_every else "no",
        "save_steps": stage.save_every or 1,
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": False,
        "bf16": False,
    }
    return SFTConfig(**(stage.trl | ours))


class Progress(TrainerCallback):
    """Writes a row for each step."""

    def __init__(self, config: Config, output: Output, last: dict[str, Any] | None) -> None:
        """`last` is the last row of a run that is resumed, from which its time is counted on."""
        self._config, self._output = config, output
        self._began = time.perf_counter()
        self._seconds = 0.0 if last is None else float(last["cost/device_seconds"])

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock of a step."""
        self._began = time.perf_counter()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Write the row of a step."""
        if not logs or "loss" not in logs:
            return
        seconds = time.perf_counter() - self._began
        self._seconds += seconds
        usd = self._seconds / 3600 * self._config.launcher.usd_per_device_hour
        self._output.row(
            {
                "step": state.global_step,
                "time": time.time(),
                "loss": logs["loss"],
                "lr": logs["learning_rate"],
                "grad_norm": logs["grad_norm"],
                "tokens/prompt": 0.0,
                "tokens/completion": logs["num_tokens"],
                "time/update": seconds,
                "time/total": seconds,
                "cost/device_seconds": self._seconds,
                "cost/usd": usd,
            }
        )


def probe_row(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """What the base can do, under `probe/` (`r1cli/nano/probes.py`); a share without a case is absent."""
    right = [r.verdict.status is Status.RIGHT for r in rollouts]
    found = probes.probe([r.completion.text for r in rollouts], right)
    return {f"probe/{name}": value for name, value in found.numbers().items()}
