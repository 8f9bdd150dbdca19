"""`r1 train zero` from its command to the saved model: what it writes, checked against its own samples."""

import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from toy_zero import eval_rows, lay_out, manifest, overrides, rows, step_samples, train, train_rows, weights

pytestmark = pytest.mark.slow

WORDS = {"wait", "mistake", "however", "but", "retry", "error", "verify", "wrong", "evaluate", "check"}
EVERYWHERE = {
    "accuracy", "format", "truncated", "no_answer", "infra_errors",
    "reward/accuracy", "reward/format", "reward/total",
    "response_length/mean", "response_length/max", "language/consistency",
    "aha/deepseek_share", "aha/deepseek_per_1k", "aha/strict_share", "aha/strict_per_1k", "aha/phrase_share",
    *(f"aha/word/{word}" for word in WORDS),
}  # fmt: skip
SPREAD = {"reward/std", "zero_std_groups"}
"""In an evaluation only with several samples per problem."""
WHERE_DEFINED = {
    "response_length/correct", "response_length/incorrect",
    "aha/deepseek_share_correct", "aha/deepseek_share_incorrect",
    "aha/strict_share_correct", "aha/strict_share_incorrect",
}  # fmt: skip
"""Absent in a step without any correct, or any incorrect, response."""
TRAIN_NAMES = EVERYWHERE | SPREAD | {
    "step", "time", "loss", "grad_norm", "lr", "entropy", "clip_ratio",
    "tokens/prompt", "tokens/completion", "tokens_per_second", "cost/device_seconds", "cost/usd",
    "time/generate", "time/reward", "time/update", "time/total", "time/record",
}  # fmt: skip
EVAL_NAMES = {f"eval/{name}" for name in EVERYWHERE} | {
    "step", "time", "eval/seconds", "eval/n", "eval/ci_low", "eval/ci_high",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("zero"))


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """A run directory that all tests read and none changes; some responses are cut at 10 tokens."""
    return train(home, "first", launcher__usd_per_device_hour=3.6)


def reflects(sample: dict[str, Any]) -> int:
    """How many of DeepSeek's ten words; the toy knows two of them, and thinks before its answer."""
    thoughts = (sample["reasoning"] or sample["completion"].split("<answer>")[0]).split()
    return int(thoughts.count("wait") + thoughts.count("check"))


# ── metrics.jsonl ──


def test_every_step_has_exactly_the_documented_names(trained: Path) -> None:
    found = train_rows(trained)
    assert [row["step"] for row in found] == [1, 2, 3, 4]
    for row in found:
        assert row.keys() >= TRAIN_NAMES
        assert row.keys() <= TRAIN_NAMES | WHERE_DEFINED
        assert all(isinstance(value, int | float) for value in row.values())


def test_every_evaluation_has_exactly_the_documented_names(trained: Path) -> None:
    found = eval_rows(trained)
    assert [row["step"] for row in found] == [0, 2, 4]
    for row in found:
        assert row.keys() >= EVAL_NAMES
        assert row.keys() <= EVAL_NAMES | {f"eval/{name}" for name in WHERE_DEFINED}
        assert row["eval/n"] == 8
        assert 0 <= row["eval/ci_low"] <= row["eval/accuracy"] <= row["eval/ci_high"] <= 1


def test_rewards_follow_from_the_samples(trained: Path) -> None:
    for row in train_rows(trained):
        groups: dict[str, list[float]] = defaultdict(list)
        for sample in (samples := step_samples(trained, row["step"])):
            right = sample["answer"] == sample["gold"]
            assert (sample["verdict"] == "right") is right
            assert sample["rewards"]["accuracy"] == float(right)
            groups[sample["problem"]].append(sum(sample["rewards"].values()))
        assert row["accuracy"] == sum(s["answer"] == s["gold"] for s in samples) / 16
        assert row["reward/accuracy"] == row["accuracy"]
        assert row["reward/format"] == row["format"] == sum(s["rewards"]["format"] for s in samples) / 16
        assert row["reward/total"] == pytest.approx(row["accuracy"] + row["format"])
        spreads = [statistics.stdev(totals) for totals in groups.values()]
        assert row["reward/std"] == pytest.approx(sum(spreads) / 4)
        assert row["zero_std_groups"] == sum(spread == 0 for spread in spreads) / 4


def test_lengths_and_tokens_follow_from_the_samples(trained: Path) -> None:
    written = 0
    for row in train_rows(trained):
        samples = step_samples(trained, row["step"])
        lengths = [sample["tokens"] for sample in samples]
        wrong = [s["tokens"] for s in samples if s["verdict"] != "right"]
        written += sum(lengths)
        assert row["response_length/mean"] == pytest.approx(sum(lengths) / 16)
        assert row["response_length/max"] == max(lengths) <= 10
        assert row["response_length/incorrect"] == pytest.approx(sum(wrong) / len(wrong))
        assert row["truncated"] == sum(sample["truncated"] for sample in samples) / 16
        assert row["no_answer"] == sum(sample["answer"] is None for sample in samples) / 16
        assert row["tokens/completion"] == written
        assert row["tokens/prompt"] == row["step"] * 16 * 8, "`User : make 2 from 6 Assistant :` is 8 words"
        for sample in samples:  # a word is a token, the stop token of what was not cut is one more
            assert sample["tokens"] == len(sample["completion"].split()) + (not sample["truncated"])
    assert any(row["truncated"] > 0 for row in train_rows(trained)), "the limit of 10 must bite"


def test_reflection_follows_from_the_samples(trained: Path) -> None:
    for row in train_rows(trained):
        samples = step_samples(trained, row["step"])
        assert row["aha/deepseek_share"] == sum(reflects(s) > 0 for s in samples) / 16
        tokens = sum(s["tokens"] for s in samples)
        assert row["aha/deepseek_per_1k"] == pytest.approx(1000 * sum(map(reflects, samples)) / tokens)
        assert row["aha/strict_share"] == row["aha/phrase_share"] == row["aha/word/however"] == 0
        assert row["language/consistency"] == 1, "the toy knows English words only"


def test_times_add_up(trained: Path) -> None:
    spent = 0.0
    for row in train_rows(trained):
        parts = row["time/generate"] + row["time/reward"] + row["time/update"]
        assert row["time/total"] == pytest.approx(parts)
        assert min(row["time/generate"], row["time/reward"], row["time/update"]) > 0
        tokens = sum(sample["tokens"] for sample in step_samples(trained, row["step"]))
        assert row["tokens_per_second"] == pytest.approx(tokens / row["time/total"])
        spent += row["time/total"]
        assert row["cost/device_seconds"] == pytest.approx(spent)
        assert row["cost/usd"] == pytest.approx(spent / 1000), "3.60 USD an hour is 0.001 a second"
    assert [row["lr"] for row in train_rows(trained)] == [0.0, 3e-3, 3e-3, 3e-3]


# ── samples.jsonl ──


def test_probes_are_the_same_prompts_at_every_evaluation(trained: Path) -> None:
    probes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for sample in rows(trained / "samples.jsonl"):
        if sample["kind"] == "probe":
            probes[sample["step"]].append((sample["problem"], sample["prompt"]))
    assert probes.keys() == {0, 2, 4}
    assert len(set(probes[0])) == 4 and probes[0] == probes[2] == probes[4]
    asked = {prompt for _, prompt in probes[0]}
    assert not asked & {s["prompt"] for s in rows(trained / "samples.jsonl") if s["kind"] == "train"}


# ── what is left behind ──


def test_manifest_and_config_tell_what_was_done(trained: Path) -> None:
    from r1cli.config import compose

    found = manifest(trained)
    assert (found["status"], found["reason"], found["attempts"], found["seed"]) == ("done", None, 1, 3)
    config = compose.from_saved(trained / "config.yaml")
    assert found["config_digest"] == compose.digest(config) and config.seed == 3
    last = eval_rows(trained)[-1]["eval/accuracy"]
    assert found["result"]["accuracy_after"] == pytest.approx(last)
    assert found["cost"]["usd"] == pytest.approx(train_rows(trained)[-1]["cost/usd"], abs=1e-6)
    assert (trained / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_manifest_says_running_until_the_end(home: Path) -> None:
    from r1cli import stages
    from r1cli.config import compose
    from r1cli.runs import store

    class Watch:
        said: list[str] = []  # noqa: RUF012

        def row(self, row: dict[str, Any]) -> None:
            self.said.append(run.status())

        def sample(self, row: dict[str, Any]) -> None:
            assert row["step"] <= 2

    config = compose.load("zero", overrides(home, run_id="watched", stage__steps=2))
    run = store.create(config, compose.to_yaml(config), compose.digest(config), ["r1"])
    stages.run(config, run, [Watch()], pytest.fail)
    assert Watch.said == ["running"] * 4, "evaluations before, at 2, and two steps"
    assert run.status() == "done"


def test_the_model_is_an_ordinary_directory(trained: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(trained / "model")
    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    prompt = tokenizer("User : make 2 from 6 Assistant :", return_tensors="pt")
    answer = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    assert answer.shape[1] > prompt["input_ids"].shape[1]
    card = (trained / "model" / "README.md").read_text()
    assert card.startswith("---\n") and "first" in card
    assert not list(trained.rglob("*.part"))
    assert sorted(path.name for path in (trained / "checkpoints").glob("checkpoint-*")) == [
        "checkpoint-2",
        "checkpoint-4",
    ]


# ── the same again, and a little different ──


def same(one: Path, other: Path) -> bool:
    first, second = weights(one / "model"), weights(other / "model")
    assert first.keys() == second.keys()
    return all(first[name].equal(second[name]) for name in first)


def test_a_seed_repeats_a_run_and_another_does_not(home: Path, trained: Path) -> None:
    assert same(trained, train(home, "again"))
    assert not same(trained, train(home, "other", seed=4))


def test_evaluating_more_often_changes_nothing(home: Path, trained: Path) -> None:
    often = train(home, "often", stage__eval__every=1, stage__eval__samples=3)
    assert [row["step"] for row in eval_rows(often)] == [0, 1, 2, 3, 4]
    assert {row["eval/n"] for row in eval_rows(often)} == {24.0}
    assert all("eval/reward/std" in row and "eval/zero_std_groups" in row for row in eval_rows(often))
    assert same(trained, often)
