"""The models inside the package are what their papers say, and what a base is for."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import r1cli
from r1cli.config import compose

WEIGHTS = Path(r1cli.__file__).parent / "nano" / "weights"
SHIPPED = sorted(path.name for path in WEIGHTS.iterdir() if path.is_dir())


def provenance(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WEIGHTS / name / "provenance.json").read_text())
    return found


def test_the_default_model_is_shipped() -> None:
    assert "nano" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_file_is_the_one_that_was_made(name: str) -> None:
    for file, digest in provenance(name)["sha256"].items():
        assert hashlib.sha256((WEIGHTS / name / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.parametrize("name", SHIPPED)
def test_todays_settings_are_those_it_was_made_with(name: str) -> None:
    """Whoever changes the corpus or the recipe makes the model anew (`make nano`)."""
    made = provenance(name)
    config = compose.load("base", [f"model={name}", f"seed={made['seed']}"])
    assert compose.digest(config) == made["config_digest"]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_small_and_safe(name: str) -> None:
    files = list((WEIGHTS / name).iterdir())
    assert sum(file.stat().st_size for file in files) < 8e6
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".md"}


def test_it_is_a_base_in_the_sense_of_r1_zero() -> None:
    """It can calculate and check; it mostly guesses, breaks the format, and mixes languages now and then."""
    found = provenance("nano")["measured"]
    assert found["probe/arithmetic"] >= 0.98
    assert found["probe/yes"] >= 0.98 and found["probe/no"] >= 0.98
    assert found["probe/search_gain"] >= 3.0, "trying again pays, so there is something to discover"
    assert found["eval/accuracy"] <= 0.25
    assert found["eval/format"] < 0.6
    assert found["eval/aha/deepseek_share"] < 0.4, "it mostly blurts out its first guess"
    assert found["eval/language/consistency"] < 0.95


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_ordinary_classes_load_it(name: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(WEIGHTS / name)
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS / name)
    assert 0.5e6 < model.num_parameters() < 2e6
    ids = tokenizer("User : make 13 from 3 4 1 . Assistant :", return_tensors="pt")["input_ids"]
    text = tokenizer.decode(model.generate(ids, do_sample=False, max_new_tokens=40)[0])
    assert "=" in text
