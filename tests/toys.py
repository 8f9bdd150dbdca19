"""Small real objects for tests: a tokenizer of a few words and a random Llama of a few thousand weights."""

from pathlib import Path
from typing import Any

WORDS = [
    "<|endoftext|>",
    "<|pad|>",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    *map(str, range(101)),
    "+",
    "-",
    "*",
    "/",
    "=",
    "(",
    ")",
    ".",
    ",",
    ":",
    "wait",
    "check",
    "no",
    "yes",
    "make",
    "from",
    "User",
    "Assistant",
]


def toy_tokenizer() -> Any:
    """A word-level tokenizer with a stop and a pad token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="."))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|endoftext|>", pad_token="<|pad|>")


def toy_model(seed: int = 0) -> Any:
    """A random Llama over the toy words, in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    return LlamaForCausalLM(config)


def toy_directory(path: Path, seed: int = 0) -> Path:
    """The two saved as a Hugging Face directory."""
    toy_model(seed).save_pretrained(path)
    toy_tokenizer().save_pretrained(path)
    return path
