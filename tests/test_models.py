"""Where a policy comes from (directory, GGUF file, the Hub without network) and what ends its completions."""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from toy_gguf import write_gguf
from toy_zero import lay_out, manifest, overrides, r1, rows, start, weights
from toys import toy_directory, toy_model, toy_tokenizer

from r1cli.config import compose
from r1cli.config.schema import ModelConfig
from r1cli.errors import UserError
from r1cli.stages import models


@cache
def nano() -> dict[str, Any]:
    """The settings of the default model."""
    return compose.load("zero", [], config_file=None, config_dir=None).model.model_dump()


def source(**where: Any) -> ModelConfig:
    """A model that comes from `where`."""
    nowhere = dict.fromkeys(("embedded", "hub_id", "revision", "path"), None)
    return ModelConfig.model_validate(nano() | nowhere | {k: str(v) for k, v in where.items()})


def refusal(**where: Any) -> str:
    """What is said of a source that cannot be used, in at most two lines."""
    with pytest.raises(UserError) as refused:
        models.fetch(source(**where))
    assert len(str(refused.value).splitlines()) <= 2
    return str(refused.value)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved toy; copy it before changing it."""
    return toy_directory(tmp_path_factory.mktemp("models") / "toy")


def copied(toy: Path, to: Path, *, without: str) -> Path:
    """The toy without one of its files."""
    to.mkdir()
    for path in toy.iterdir():
        if path.name != without:
            (to / path.name).write_bytes(path.read_bytes())
    return to


# ── where from ──


def test_a_directory_must_hold_a_model(tmp_path: Path, toy: Path) -> None:
    assert "no such directory" in refusal(path=tmp_path / "nowhere")
    assert "no such file" in refusal(path=tmp_path / "nowhere.gguf")
    assert "no config.json" in refusal(path=copied(toy, tmp_path / "a", without="config.json"))
    torn = copied(toy, tmp_path / "torn", without="config.json")
    for text, part in (
        ('{"a": ', "is not JSON: "),
        ("\xff", "is not JSON: "),
        ("[1]", "is not a JSON mapping"),
    ):
        (torn / "config.json").write_bytes(text.encode("latin-1"))
        assert part in refusal(path=torn)
    bare = copied(toy, tmp_path / "b", without="model.safetensors")
    assert "no weights (*.safetensors)" in refusal(path=bare)
    (bare / "pytorch_model.bin").write_bytes(b"pickle")
    assert "Only safetensors weights are loaded" in refusal(path=bare)
    assert models.fetch(source(path=toy)) == toy
    assert models.fetch(source(path=toy, embedded="nano", hub_id="a/b")) == toy, "the path wins"


def test_an_unknown_embedded_model_is_refused() -> None:
    assert "Did you mean `nano`" in refusal(embedded="nanoo")
    assert "names no source" in refusal()


def test_a_model_without_tokenizer_is_refused(tmp_path: Path, toy: Path) -> None:
    bare = copied(toy, tmp_path / "bare", without="tokenizer.json")
    (bare / "tokenizer_config.json").unlink()
    with pytest.raises(UserError, match="no tokenizer in it"):
        models.load(source(path=bare))


def test_loaded_as_it_was_saved(toy: Path) -> None:
    policy = models.load(source(path=toy))
    saved = weights(toy)
    assert all(policy.model.state_dict()[name].equal(saved[name]) for name in saved)
    assert policy.stop == [0] and policy.tokenizer.pad_token_id == 1


# ── the Hub ──


def test_offline_by_setting_is_told_at_once() -> None:
    assert "offline/model is not on this machine" in refusal(hub_id="offline/model")  # HF_HUB_OFFLINE=1 here


def test_no_network_is_told_in_two_lines_at_once(tmp_path: Path) -> None:
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    began = time.monotonic()
    process = start(["train", "zero", "model=qwen2.5-0.5b", "run_id=hub"], tmp_path, **closed)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and len(err.splitlines()) == 2, err
    assert "Qwen/Qwen2.5-0.5B is not on this machine and the Hub cannot be reached" in err
    assert "model=nano" in err and "model.path=DIR" in err
    assert time.monotonic() - began < 20, "torch is not even imported; the client's own retries take 23 s"
    assert manifest(tmp_path / "runs" / "hub")["status"] == "failed"


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """A Hub on this machine that answers everything with the code that is set last."""
    from huggingface_hub import constants

    codes: list[int] = []

    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(codes[-1])
            if codes[-1] == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    yield codes.append
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (401, "the Hub answers with 401 Unauthorized", "HF_TOKEN"),
        (403, "the Hub answers with 403 Forbidden", "HF_TOKEN"),
        (500, "the Hub answers with 500 Internal Server Error", "Try again later"),
        (503, "the Hub answers with 503 Service Unavailable", "Try again later"),
    ],
)
def test_what_the_hub_answers_is_told(
    answering: Callable[[int], None], code: int, reason: str, hint: str
) -> None:
    answering(code)
    said = refusal(hub_id="some/toy")
    assert f"some/toy is not on this machine and {reason}." in said and hint in said
    assert "cannot be reached" not in said


def test_a_model_that_the_hub_does_not_show_may_be_private(answering: Callable[[int], None]) -> None:
    answering(404)
    assert refusal(hub_id="some/toy", revision="main") == (
        "the Hub has no some/toy at revision main.\nA private model needs HF_TOKEN."
    )


def test_a_hub_id_that_is_none() -> None:
    assert "model.hub_id=a b is no id of the Hub" in refusal(hub_id="a b")


def test_without_network_an_earlier_download_serves(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit, repository = "0" * 40, tmp_path / "models--some--toy"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    copied(toy, repository / "snapshots" / commit, without="")
    for revision in ("main", commit):
        found = models.fetch(source(hub_id="some/toy", revision=revision))
        assert found == repository / "snapshots" / commit
    (repository / "snapshots" / commit / "model.safetensors").unlink()
    assert "no weights" in refusal(hub_id="some/toy", revision=commit), "a download that was broken off"


# ── what ends a completion ──


@pytest.mark.parametrize(
    ("words", "declared", "stop", "pad"),
    [
        ("<|endoftext|>", 0, [0], 1),
        ("<|endoftext|>", [0, 5], [0, 5], 1),
        ("<|endoftext|>", [5], [0, 5], 1),  # the tokenizer's own comes first
        ("<|endoftext|>", None, [0], 1),
        ("<|endoftext|>", [0, 4000], [0], 1),  # not in the vocabulary
        (None, [5, 0], [5, 0], 1),
    ],
)
def test_every_declared_stop_token_counts(
    words: str | None, declared: Any, stop: list[int], pad: int
) -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    tokenizer.eos_token = words
    model.generation_config.eos_token_id = declared
    assert models.stop_tokens(model, tokenizer, "toy") == stop
    assert tokenizer.eos_token_id == stop[0] and tokenizer.pad_token_id == pad


def test_a_model_that_never_stops_is_refused() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    tokenizer.eos_token = model.generation_config.eos_token_id = None
    with pytest.raises(UserError, match="toy has no stop token"):
        models.stop_tokens(model, tokenizer, "toy")


def test_padding_falls_back_on_the_stop_token() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    tokenizer.pad_token = None
    models.stop_tokens(model, tokenizer, "toy")
    assert tokenizer.pad_token_id == 0


# ── GGUF ──


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy as a file of llama.cpp."""
    path = tmp_path_factory.mktemp("gguf") / "toy.gguf"
    write_gguf(path, toy_model(5))
    return path


def test_a_gguf_file_is_dequantized(gguf: Path) -> None:
    policy = models.load(source(path=gguf))
    loaded = policy.model.state_dict()
    for name, values in toy_model(5).state_dict().items():
        limit = values.abs().max() / 127 if "down_proj" in name else 0  # one step of 8 bits
        assert (loaded[name] - values).abs().max() <= limit, name
    assert policy.stop == [0]


def test_a_gguf_policy_is_saved_as_an_ordinary_model(gguf: Path, tmp_path: Path) -> None:
    policy = models.load(source(path=gguf))
    models.save(policy.model, policy.tokenizer, tmp_path / "model")
    assert "quantization_config" not in json.loads((tmp_path / "model" / "config.json").read_text())
    again = models.load(source(path=tmp_path / "model"))
    for name, values in policy.model.state_dict().items():
        assert again.model.state_dict()[name].equal(values)
    assert again.tokenizer("make 13")["input_ids"] == policy.tokenizer("make 13")["input_ids"]


def test_saving_replaces_what_a_failed_attempt_left(toy: Path, tmp_path: Path) -> None:
    policy = models.load(source(path=toy))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "leftover").touch()
    models.save(policy.model, policy.tokenizer, tmp_path / "model")
    assert sorted(os.listdir(tmp_path)) == ["model"]
    assert not (tmp_path / "model" / "leftover").exists()


# ── in a run ──


@pytest.mark.slow
def test_a_gguf_file_is_trained_even_with_a_reference(gguf: Path, tmp_path: Path) -> None:
    words = overrides(lay_out(tmp_path), run_id="gguf", stage__kl_weight=0.1, stage__steps=2)
    done = r1("train", "zero", *words, f"model.path={gguf}")
    assert done.code == 0, done.err
    assert set(weights(tmp_path / "runs" / "gguf" / "model")) == set(weights(tmp_path / "toy"))


@pytest.mark.slow
def test_a_second_stop_token_ends_completions_of_a_run(tmp_path: Path) -> None:
    home = lay_out(tmp_path)
    settings = home / "toy" / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token_id": [0, 5]}))
    done = r1("train", "zero", *overrides(home, run_id="stops", stage__steps=1, stage__save_every=0))
    assert done.code == 0, done.err
    for sample in rows(home / "runs" / "stops" / "samples.jsonl"):
        assert sample["truncated"] is (sample["tokens"] == 14 and "</answer>" not in sample["completion"])
