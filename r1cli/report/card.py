"""`model/README.md`: the model card, from the config, the manifest and what was measured; nothing else."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from r1cli.config.schema import Config
from r1cli.config.stage_schema import BaseStage, ZeroStage
from r1cli.prompts import TEMPLATES
from r1cli.report.rows import Row
from r1cli.report.summary import Summary, summarize
from r1cli.report.text import count, duration, percent, plain
from r1cli.runs.files import read_jsonl, write_text
from r1cli.runs.manifest import Manifest
from r1cli.runs.run import Run


def write(run: Run, config: Config) -> None:
    """Write the card into `model/`, which holds the saved model already."""
    sample = example(read_jsonl(run.samples))
    write_text(run.model / "README.md", card(config, run.manifest(), summarize(run), sample))


def card(config: Config, manifest: Manifest, summary: Summary, sample: Row | None = None) -> str:
    """The text of the card; `sample` is one row of `samples.jsonl` to show."""
    stage = config.stage
    training = _zero(stage, config) if isinstance(stage, ZeroStage) else _base(stage)
    parts = [
        _front(config),
        f"# {manifest.model} after `r1 train {manifest.stage}` on {manifest.task}\n\n{_what(config)}",
        "## Training\n\n" + _pairs({**training, **_spent(summary)}),
        _measured(summary, config),
        _use(config),
        _shown(sample, config),
        "## Made with\n\n" + _pairs(_made(manifest)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def example(samples: Iterable[Row]) -> Row | None:
    """The latest right answer to a probe prompt, which is the same prompt in every run; None without one."""
    right = [row for row in samples if row.get("kind") == "probe" and row.get("verdict") == "right"]
    return right[-1] if right else None


def _front(config: Config) -> str:
    """The YAML head that model hubs read. No licence: the base model's owner decides on that."""
    model, task = config.model, config.task
    head: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["r1", "reasoning", "trl"],
    }
    if config.stage.kind == "zero":
        head["tags"].append("grpo")
        if model.hub_id and not (model.path or model.embedded):
            head["base_model"] = model.hub_id
        if task.kind == "table" and task.hub_id and not task.path:
            head["datasets"] = [task.hub_id]
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def _start(config: Config) -> str:
    """Where the weights came from, in the order of precedence of `ModelConfig`."""
    model = config.model
    if model.path:
        return "a local model"
    if model.embedded:
        return f"`{model.embedded}`, the base model inside r1"
    return f"[{model.hub_id}](https://huggingface.co/{model.hub_id})" + (
        f" at `{model.revision}`" if model.revision else ""
    )


def _what(config: Config) -> str:
    if config.stage.kind == "base":
        return "A base model trained from nothing on a generated corpus: a start for RL, not for use."
    return (
        f"Reinforcement learning from verifiable rewards, starting from {_start(config)}: "
        "the recipe of DeepSeek-R1-Zero ([arXiv 2501.12948](https://arxiv.org/abs/2501.12948), section 2.2)."
    )


def _zero(stage: ZeroStage, config: Config) -> dict[str, str]:
    reward = " + ".join(f"{term.weight:g} · {name}" for name, term in config.reward.items())
    return {
        "Start": _start(config),
        "Algorithm": "GRPO (TRL)",
        "Reward": reward,
        "Steps": f"{stage.steps}, each {stage.prompts_per_step} prompts × {stage.group_size} completions",
        "Longest completion": f"{stage.max_completion_tokens} tokens",
        "Learning rate": f"{stage.learning_rate:g}",
        "Sampling temperature": f"{stage.temperature:g}",
        "KL weight": f"{stage.kl_weight:g}",
        "Trained weights": f"LoRA adapters of rank {config.model.lora}" if config.model.lora else "all",
    }


def _base(stage: BaseStage) -> dict[str, str]:
    return {
        "Start": "random weights",
        "Corpus": f"{stage.documents:,} generated texts, each read once",
        "Batch": f"{stage.batch_documents} texts",
        "Learning rate": f"{stage.learning_rate:g}",
    }


def _spent(summary: Summary) -> dict[str, str]:
    tokens = {} if summary.tokens is None else {"Training tokens": count(summary.tokens)}
    return {"Updates done": str(summary.steps), **tokens, "Time": duration(summary.seconds)}


def _measured(summary: Summary, config: Config) -> str:
    if summary.before is None or not isinstance(config.stage, ZeroStage):
        return ""
    protocol = config.stage.eval
    rows = [("Accuracy (pass@1)", str(summary.before), str(summary.after or "not measured"))]
    for name, key, form in (
        ("Response length, tokens", "length", "{:.1f}".format),
        ("Responses with a word of DeepSeek's list", "aha_deepseek", percent),
        ("Responses with one of the strict pool", "aha_strict", percent),
        ("Right format", "format", percent),
    ):
        before, after = summary.changes[key]
        if before is not None:
            rows.append((name, form(before), "not measured" if after is None else form(after)))
    head = (
        f"Held-out problems of {config.task.name}, sampled at temperature {protocol.temperature:g}, "
        f"{protocol.problems} problems × {protocol.samples}, seed {config.seed}, 95% intervals. "
        f"Accuracy: {summary.verdict()}."
    )
    return "## Evaluation\n\n" + head + "\n\n" + _table(("", "before", "after"), rows)


def _use(config: Config) -> str:
    """The prompt as text; a chat template stands in the tokenizer instead."""
    template = TEMPLATES[config.model.template]
    chat = "as the user's message, within the tokenizer's chat template"
    where = chat if template.name == "chat" else "as it is"
    how = f"Give it this text {where}; `{{question}}` is the problem."
    return f"## Prompt\n\n{how}\n\n{_fenced(template.text)}"


def _shown(sample: Row | None, config: Config) -> str:
    if sample is None:
        return ""
    prompt, completion = str(sample["prompt"]), str(sample["completion"])
    prefill = TEMPLATES[config.model.template].prefill
    if prefill and completion.startswith(prefill):  # it ends the prompt and begins the judged text
        prompt = prompt.removesuffix(prefill)
    text = plain(prompt + completion)
    return f"## A response\n\nA probe prompt at step {sample['step']}, judged right.\n\n{_fenced(text)}"


def _made(manifest: Manifest) -> dict[str, str]:
    named = ("python", "r1cli", "torch", "transformers", "trl")
    versions = [f"{name} {manifest.packages[name]}" for name in named if name in manifest.packages]
    gpus = f", {', '.join(manifest.machine.gpus)}" if manifest.machine.gpus else ""
    made = {
        "Run": f"`{manifest.id}`",
        "Seed": str(manifest.seed),
        "Config digest": f"`{manifest.config_digest}`",
        "r1 commit": f"`{manifest.commit}`" if manifest.commit else "not run from a git commit",
        "Packages": ", ".join(versions),
        "Machine": f"{manifest.machine.cpu}, {manifest.machine.cores} cores{gpus}",
    }
    parents = ", ".join(f"{name}: `{parent}`" for name, parent in manifest.parents.items())
    return {**made, "Parents": parents} if parents else made


def _pairs(rows: Mapping[str, str]) -> str:
    return _table(("", ""), list(rows.items()))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any run of backticks in the text, as a model wrote it."""
    longest = max([2, *(len(run) for run in re.findall(r"`+", text))])
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
