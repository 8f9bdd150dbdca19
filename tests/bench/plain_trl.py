"""The zero job as a plain TRL script: the same model, problems, rewards and numbers, transformers' generate.

Takes r1's overrides; prints for each step: seconds, those inside generation, generated tokens, mean reward.
"""

import json
import sys
import tempfile
import time
from functools import partial
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from r1cli import tasks
from r1cli.config import compose
from r1cli.config.batch import solve
from r1cli.prompts import prompt, split, template
from r1cli.stages.models import locate
from r1cli.verifiers import verify

config = compose.load("zero", sys.argv[1:])
stage: Any = config.stage
plan = solve(stage.prompts_per_step, stage.group_size, stage.micro_batch, 1)
problems = tasks.load(config.task, config.seed).train(stage.steps * stage.prompts_per_step)
prefill = template(config.model.template).prefill
parsed = partial(split, tokens=0, truncated=False)


def accuracy(completions: list[str], problem: list[int], **_: Any) -> list[float]:
    return [verify(problems[i], parsed(prefill + c)).score for i, c in zip(problem, completions, strict=True)]


def form(completions: list[str], **_: Any) -> list[float]:
    return [float(parsed(prefill + text).well_formed) for text in completions]


class Report(TrainerCallback):  # type: ignore[misc]
    generate, before = 0.0, 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.before = self.before or time.time()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            seconds, self.before = time.time() - self.before, time.time()
            tokens = logs["completions/mean_length"] * plan.completions
            print(json.dumps([seconds, self.generate, tokens, logs["reward"]]), flush=True)
            self.generate = 0.0


cuda = torch.cuda.is_available()
args = GRPOConfig(
    output_dir=tempfile.mkdtemp(), max_steps=stage.steps, per_device_train_batch_size=plan.per_device,
    gradient_accumulation_steps=plan.accumulation, num_generations=stage.group_size,
    max_completion_length=stage.max_completion_tokens, temperature=stage.temperature,
    learning_rate=stage.learning_rate, beta=stage.kl_weight, seed=config.seed, report_to="none",
    reward_weights=[config.reward["accuracy"].weight, config.reward["format"].weight],
    logging_steps=1, save_strategy="no", disable_tqdm=True, use_cpu=not cuda, bf16=cuda,
    **{"gradient_checkpointing": False} | stage.trl,
)  # fmt: skip
model = AutoModelForCausalLM.from_pretrained(locate(config.model), dtype=torch.float32)
data = {"prompt": [prompt(config.model.template, p) for p in problems], "problem": [*range(len(problems))]}
tokenizer, report = AutoTokenizer.from_pretrained(locate(config.model)), Report()
trainer = GRPOTrainer(model=model, reward_funcs=[accuracy, form], args=args, callbacks=[report],
                      processing_class=tokenizer, train_dataset=Dataset.from_dict(data))  # fmt: skip


def timed(*a: Any, generate: Any = trainer.model.generate, **k: Any) -> Any:
    began = time.time()
    tokens = generate(*a, **k)
    report.generate += time.time() - began
    return tokens


trainer.model.generate = timed
trainer.train()
