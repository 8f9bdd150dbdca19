"""`Config.model` to a policy and its tokenizer: embedded, local directory, GGUF file or Hub id."""

import json
import os
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from r1cli.config.schema import ModelConfig
from r1cli.errors import UserError, unknown
from r1cli.problem import Problem
from r1cli.prompts import TEMPLATES, prompt
from r1cli.runs.files import disk
from r1cli.stages.process import redirect_transformers

EMBEDDED = ("nano", "nano-v3")
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_SECONDS = 5.0
"""How long the Hub may take to answer."""
_REFUSALS = (401, 403)
"""HTTP codes: the token is missing, wrong, or may not read this model."""


class Policy(NamedTuple):
    """What the trainers need: the model, its tokenizer, and the token ids that end a completion."""

    model: Any
    tokenizer: Any
    stop: list[int]


def locate(model: ModelConfig) -> Path | None:
    """The local directory or GGUF file of a model, checked; None when it must come from the Hub.

    Raises `UserError` when the path is missing, or a directory has no readable config or no weights.
    """
    if model.path is not None:
        return _checked(Path(model.path).expanduser(), f"model.path={model.path}")
    if model.embedded is not None:
        if model.embedded not in EMBEDDED:
            raise unknown("embedded model", model.embedded, EMBEDDED)
        home = Path(str(files("r1cli.nano") / "weights" / model.embedded))
        if not home.is_dir():
            raise UserError(
                f"the weights of model={model.embedded} are not in the package.",
                f"Make them with `r1 train base model={model.embedded}`, then add model.path=RUN/model.",
            )
        return _checked(home, f"model={model.embedded}")
    if model.hub_id is None:
        raise UserError(
            "the model names no source: one of model.path, model.embedded, model.hub_id must be set."
        )
    return None


def _checked(path: Path, what: str) -> Path:
    if path.suffix == ".gguf":
        if not path.is_file():
            raise UserError(f"{what}: no such file.", "Give an existing .gguf file or a model directory.")
        return path
    if not path.is_dir():
        raise UserError(f"{what}: no such directory.", "Give a Hugging Face model directory or a .gguf file.")
    if not (path / "config.json").is_file():
        raise UserError(
            f"{what}: there is no config.json in it.", "Give the directory that `save_pretrained` wrote."
        )
    read_json(path / "config.json")
    if not any(next(path.glob(pattern), None) for pattern in _WEIGHTS):
        raise UserError(
            f"{what}: there are no weights (*.safetensors) in it.", "Only safetensors weights are loaded."
        )
    return path


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a model directory, e.g. `config.json`.

    Raises:
        UserError: it may not be read, or holds no JSON mapping.
    """
    try:
        with disk(path, "read"):
            found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is not JSON: {reason}.", "Save or copy the model once more.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not a JSON mapping.", "Save or copy the model once more.")
    return found


def has_chat_template(home: Path) -> bool:
    """Whether a model directory's tokenizer has a chat template, by the files that transformers looks at."""
    if (home / "chat_template.jinja").is_file():
        return True
    settings = home / "tokenizer_config.json"
    return settings.is_file() and read_json(settings).get("chat_template") is not None


def no_chat_template() -> UserError:
    """`model.template=chat` for a tokenizer that has none."""
    return UserError(
        "model.template=chat, but this model's tokenizer has no chat template.",
        f"Choose a plain-text template: model.template={'|'.join(t for t in TEMPLATES if t != 'chat')}.",
    )


def fetch(model: ModelConfig) -> Path:
    """The directory or GGUF file of a model on this machine; downloads a Hub id at its pinned revision.

    Without network an earlier download serves; without that, too, the `UserError` is there at once.
    """
    local = locate(model)
    if local is not None:
        return local
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    name = str(model.hub_id)
    try:
        # Asked first, because a download tries 5 times for 23 s and says so, line by line.
        HfApi().model_info(name, revision=model.revision, timeout=_SECONDS)
    except GatedRepoError as error:
        raise UserError(f"{name} is gated on the Hub.", "Accept its terms there and set HF_TOKEN.") from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"the Hub has no {name} at revision {model.revision}.", "A private model needs HF_TOKEN."
        ) from error
    except Exception as error:  # no network, a refusal, a fault of the Hub: an earlier download serves
        return _snapshot(model, error)
    return _snapshot(model, None)


def _snapshot(model: ModelConfig, unreachable: Exception | None) -> Path:
    """The files of a Hub id; only those of an earlier download when the Hub is `unreachable`."""
    from huggingface_hub import constants, snapshot_download

    name = str(model.hub_id)
    try:
        with disk(Path(constants.HF_HUB_CACHE)):
            path = snapshot_download(
                name, revision=model.revision, allow_patterns=_FILES, local_files_only=unreachable is not None
            )
    except UserError:
        raise
    except Exception as error:
        raise _missing(name, unreachable or error) from (unreachable or error)
    return _checked(Path(path), name)


def _missing(name: str, why: Exception) -> UserError:
    """A Hub id without a copy on this machine, and why there is none."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if isinstance(why, HFValidationError):
        return UserError(f"model.hub_id={name} is no id of the Hub.", "Ids are written ORG/NAME.")
    local = "Use the embedded model=nano, or give a local copy: model.path=DIR or model.path=FILE.gguf."
    if not isinstance(why, HfHubHTTPError):
        reason = f"the Hub cannot be reached ({type(why).__name__})"
    else:
        code = why.response.status_code
        reason = f"the Hub answers with {code} {why.response.reason_phrase}".rstrip()
        if code in _REFUSALS:
            local = (
                "Set HF_TOKEN to a valid token that may read the model, or give a local copy: model.path=DIR."
            )
        else:
            local = f"Try again later. {local}"
    return UserError(f"{name} is not on this machine and {reason}.", local)


def load(config: ModelConfig) -> Policy:
    """Load weights and tokenizer; weights in `config.dtype`, with no gradient checkpointing switched on."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    redirect_transformers()
    path = fetch(config)
    dtype = getattr(torch, config.dtype)
    if path.suffix == ".gguf":
        from transformers import GgufConfig

        # A plain gguf_file= load leaves a quantization config behind, and save_pretrained then fails.
        where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        tokenizer = AutoTokenizer.from_pretrained(**where)
        model = AutoModelForCausalLM.from_pretrained(
            **where, dtype=dtype, quantization_config=GgufConfig(dequantize=True)
        )
    else:
        _demand_tokenizer(path)
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, use_safetensors=True)
    return Policy(model, tokenizer, stop_tokens(model, tokenizer, str(path)))


def _demand_tokenizer(path: Path) -> None:
    if not (path / "tokenizer.json").is_file() and not (path / "tokenizer_config.json").is_file():
        raise UserError(
            f"{path}: there is no tokenizer in it (tokenizer.json).", "Save the tokenizer beside the model."
        )


def stop_tokens(model: Any, tokenizer: Any, name: str) -> list[int]:
    """Token ids that end a completion: the tokenizer's, and every one the model declares. Sets a pad token.

    A model without one never stops: every completion would be cut at the limit. That is an error here.
    """
    declared = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = [] if declared is None else [declared] if isinstance(declared, int) else list(declared)
    if tokenizer.eos_token_id is not None and tokenizer.eos_token_id not in ids:
        ids.insert(0, tokenizer.eos_token_id)
    size = model.get_input_embeddings().weight.shape[0]
    ids = [i for i in ids if 0 <= i < size]
    if not ids:
        raise UserError(
            f"{name} has no stop token: neither its tokenizer nor its generation config names one."
        )
    if tokenizer.eos_token_id is None:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ids[0])
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return ids


def prompt_text(template: str, tokenizer: Any, problem: Problem) -> str:
    """The prompt as the model reads it: a plain-text template, or the tokenizer's own chat template."""
    text = prompt(template, problem)
    if template != "chat":
        return text
    if tokenizer.chat_template is None:
        raise no_chat_template()
    messages = [{"role": "user", "content": text}]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def encode(policy: Policy, template: str, problems: Sequence[Problem]) -> list[list[int]]:
    """Token ids of the prompts. A chat template writes its own special tokens, so none are added to it."""
    texts = [prompt_text(template, policy.tokenizer, problem) for problem in problems]
    ids: list[list[int]] = policy.tokenizer(text=texts, add_special_tokens=template != "chat")["input_ids"]
    return ids


def lora(config: ModelConfig) -> Any:
    """Peft's configuration for `model.lora`, or None when every weight is trained."""
    if config.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora,
        lora_alpha=config.lora_alpha or 2 * config.lora,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def save(model: Any, tokenizer: Any, directory: Path) -> None:
    """Write an ordinary Hugging Face directory: adapters merged in, weights as safetensors."""
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    part = directory.with_name(directory.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    for file in part.iterdir():
        file.chmod(0o644)  # safetensors writes for the owner alone, and a model is meant to be passed on
    shutil.rmtree(directory, ignore_errors=True)  # of an attempt that failed after this point
    os.replace(part, directory)
