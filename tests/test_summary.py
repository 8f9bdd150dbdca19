"""The verdict on a run, and the model card made from it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from toy_runs import eval_row, rising, toy_config, toy_run, train_row

from r1cli.report import card
from r1cli.report.summary import Summary, summarize
from r1cli.report.verdict import lines
from r1cli.runs.run import Run


def finished(folder: Path, rows: list[dict[str, Any]]) -> Run:
    run = toy_run(folder)
    for row in rows:
        run.log_metrics(row)
    run.finish("done")
    run.update(seconds=432.0)
    return run


def test_the_verdict(tmp_path: Path) -> None:
    run = finished(tmp_path, rising())
    summary = summarize(run)
    assert lines(summary, run.manifest(), "runs/0001-zero-3f9c1a") == [
        "accuracy  20.0% [15.0, 25.0] → 70.0% [65.0, 75.0]  up by 50.0 points (held out, sampled, n=256)",
        "length    50.0 → 60.0 tokens",
        "aha       20.0% → 30.0% of responses have a word of DeepSeek's list",
        "          5.0% → 5.0% have one of the strict pool",
        "time      7 min 12 s for 10 steps (generate 60%, reward 2%, update 38%)",
        "cost      10.0 k tokens, 0.01 device hours, $0.00",  # 100 + 900 a step; 50 s
        "run       runs/0001-zero-3f9c1a",
    ]


def test_result_for_the_manifest(tmp_path: Path) -> None:
    result = summarize(finished(tmp_path, rising())).result()
    assert result["accuracy_before"] == 0.2 and result["accuracy_after"] == 0.7
    assert result["accuracy_after_low"] == pytest.approx(0.65)
    assert result["length_after"] == 60.0 and result["aha_strict_before"] == 0.05
    assert (result["steps"], result["tokens"]) == (10.0, 10_000.0)
    assert "truncated_before" not in result  # the evaluation did not say


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], "no held-out evaluation"),
        ([eval_row(0, 0.2)], "evaluated once: no comparison yet"),
        ([eval_row(0, 0.2), eval_row(5, 0.31)], "up by 11.0 points"),  # 0.25 < 0.26
        ([eval_row(0, 0.2), eval_row(5, 0.29)], "no clear change: the intervals overlap"),
        ([eval_row(0, 0.6), eval_row(5, 0.2)], "down by 40.0 points"),
        ([eval_row(0, 0.2), eval_row(5, 0.9), eval_row(9, 0.2)], "no clear change: the intervals overlap"),
    ],
)
def test_up_or_down_only_beyond_the_intervals(
    tmp_path: Path, rows: list[dict[str, Any]], verdict: str
) -> None:
    assert summarize(finished(tmp_path, rows)).verdict() == verdict


def test_a_run_that_has_only_begun(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    text = lines(summarize(run), run.manifest(), "runs/x")
    assert text[0] == "accuracy  no held-out evaluation"
    assert text[1].startswith("time      ") and text[1].endswith(" for 0 steps")
    assert text[2:] == ["run       runs/x"]


def test_a_stage_without_reward_tells_its_loss(tmp_path: Path) -> None:
    run = finished(tmp_path, [{"step": 1, "loss": 3.25}, {"step": 2, "loss": 0.5}])
    assert lines(summarize(run), run.manifest(), "runs/x")[0] == "loss      3.250 → 0.500"
    assert summarize(run).result() == {"steps": 2.0, "loss_before": 3.25, "loss_after": 0.5}


def test_a_failed_run_says_why_first(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    run.finish("failed", "ValueError: \x1b[2Jgone")
    text = lines(summarize(run), run.manifest(), "runs/x")
    assert text[0] == "failed: ValueError: gone"


def test_a_flat_run_says_why_last(tmp_path: Path) -> None:
    run = finished(tmp_path, [train_row(step, 0.0, no_answer=1.0, format=0.0) for step in range(1, 9)])
    text = lines(summarize(run), run.manifest(), "runs/x")
    assert text[-2] == "The reward did not rise. What the numbers show:"
    assert text[-1].startswith("  - no answer was found in 100.0% of the completions. Read samples.jsonl")


def test_an_interrupted_run_is_not_judged(tmp_path: Path) -> None:
    run = toy_run(tmp_path)
    for step in range(1, 9):
        run.log_metrics(train_row(step, 0.0, no_answer=1.0, format=0.0, infra_errors=0.5))
    run.finish("interrupted", "Ctrl-C")
    text = lines(summarize(run), run.manifest(), "runs/x")
    assert not any("did not rise" in line for line in text)
    assert text[-2] == "Note:" and "verifier" in text[-1], "what is wrong whatever came later is told"


def test_a_row_written_twice_counts_once(tmp_path: Path) -> None:
    rows = [train_row(1, 0.1), train_row(2, 0.2), train_row(2, 0.4)]
    summary = summarize(finished(tmp_path, rows))
    assert summary.steps == 2
    assert summary.shares["generate"] == pytest.approx(3.0 / 5.0)


# ── card ──


def made_card(folder: Path, rows: list[dict[str, Any]], **model: Any) -> tuple[str, Summary]:
    run = finished(folder / "runs", rows)
    run.log_sample({"kind": "train", "verdict": "right", "step": 9, "prompt": "no", "completion": "no"})
    run.log_sample({
        "kind": "probe", "verdict": "right", "step": 8,
        "prompt": "User : make 13 from 3 4 1 . Assistant :", "completion": " <think> ```\x1b[2J </think> | ",
    })  # fmt: skip
    run.model.mkdir()
    card.write(run, toy_config(folder / "runs", **model))
    return (run.model / "README.md").read_text(), summarize(run)


def test_card(tmp_path: Path) -> None:
    text, _ = made_card(tmp_path, rising())
    head = yaml.safe_load(text.split("---")[1])
    assert head == {
        "library_name": "transformers", "pipeline_tag": "text-generation",
        "tags": ["r1", "reasoning", "trl", "grpo"],
    }  # fmt: skip
    for part in (
        "# nano after `r1 train zero` on countdown",
        "| Accuracy (pass@1) | 20.0% [15.0, 25.0] | 70.0% [65.0, 75.0] |",
        "256 problems × 1, seed 7, 95% intervals. Accuracy: up by 50.0 points.",
        "| Reward | 1 · accuracy + 1 · format |",
        "| Steps | 10, each 4 prompts × 8 completions |",
        "| Start | `nano`, the base model inside r1 |",
        "````text\nUser : make 13 from 3 4 1 . Assistant : <think> ``` </think> | \n````",  # a longer fence
        "| Config digest | `3f9c1a00",
    ):
        assert part in text


def test_card_names_the_hub_model(tmp_path: Path) -> None:
    text, _ = made_card(tmp_path, [], embedded=None, hub_id="Qwen/Qwen2.5-0.5B", revision="main", lora=16)
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "Qwen/Qwen2.5-0.5B"
    assert "[Qwen/Qwen2.5-0.5B](https://huggingface.co/Qwen/Qwen2.5-0.5B) at `main`" in text
    assert "| Trained weights | LoRA adapters of rank 16 |" in text
    assert "## Evaluation" not in text  # nothing was measured, so nothing is claimed
