"""`r1 train zero` under other settings: what each changes, what is counted, what is refused."""

from pathlib import Path
from typing import Any

import pytest
from test_zero import TRAIN_NAMES
from toy_zero import lay_out, manifest, overrides, r1, rows, step_samples, train, train_rows, weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy and its tables."""
    return lay_out(tmp_path_factory.mktemp("settings"))


def refused(home: Path, name: str, **more: Any) -> str:
    """What a command says that ends as the user's mistake."""
    done = r1("train", "zero", *overrides(home, run_id=name, **more))
    assert done.code == 2 and "Traceback" not in done.err and len(done.err.strip().splitlines()) <= 2
    return done.err


def test_rewards_see_the_prefill(home: Path) -> None:
    run = train(home, "prefilled", model__template="r1_zero_prefilled", stage__steps=1, stage__save_every=0)
    assert all(s["completion"].startswith("<think>") for s in rows(run / "samples.jsonl"))


def test_fewer_rows_than_the_steps_need_are_gone_through_again(home: Path) -> None:
    run = train(home, "epochs", stage__steps=6, stage__prompts_per_step=12, stage__group_size=2)
    assert [row["step"] for row in train_rows(run)] == [1, 2, 3, 4, 5, 6]  # 40 rows hold 3 batches of 12


def test_kl_is_logged_when_it_is_paid_for(home: Path) -> None:
    run = train(home, "kl", stage__kl_weight=0.1)
    found = [row["kl"] for row in train_rows(run)]
    assert found[0] == pytest.approx(0, abs=1e-6), "the policy is still the reference"
    assert found[-1] > 1e-4


def test_lora_saves_an_ordinary_merged_model(home: Path) -> None:
    run = train(home, "lora", model__lora=2, stage__learning_rate=0.05)
    before, after = weights(home / "toy"), weights(run / "model")
    assert before.keys() == after.keys()
    assert not (run / "model" / "adapter_config.json").exists()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed and all("_proj" in name for name in changed), "only linear layers carry adapters"


def test_reused_rollouts_are_counted_once(home: Path) -> None:
    run = train(home, "reused", stage__trl__num_iterations=2)
    found = train_rows(run)
    assert [row["tokens/prompt"] for row in found] == [128, 128, 256, 256]
    assert found[1]["accuracy"] == found[0]["accuracy"] and found[1]["tokens_per_second"] == 0
    assert all(row.keys() >= TRAIN_NAMES for row in found)


def test_several_generations_in_one_step_are_all_counted(home: Path) -> None:
    run = train(home, "halves", stage__trl__steps_per_generation=1)
    assert [row["tokens/prompt"] for row in train_rows(run)] == [128, 256, 384, 512]
    for row in train_rows(run):
        right = sum(sample["verdict"] == "right" for sample in step_samples(run, row["step"]))
        assert row["accuracy"] == right / 16


# ── refused ──


def test_a_table_smaller_than_a_step_is_refused(home: Path) -> None:
    said = refused(home, "small", stage__prompts_per_step=41)
    assert "40 training problems, fewer than the 41 prompts of one generation" in said
    assert not (home / "runs" / "small").exists()


def test_a_table_smaller_than_a_generation_is_refused(home: Path) -> None:
    # 22 passes of 8 completions are 44 prompts: TRL would train no step, in silence
    said = refused(home, "wide", stage__trl__steps_per_generation=22, stage__steps=22, stage__save_every=0)
    assert "40 training problems, fewer than the 44 prompts of one generation" in said


def test_one_generation_may_serve_several_steps(home: Path) -> None:
    run = train(home, "wide20", stage__trl__steps_per_generation=20, stage__save_every=0)
    assert [row["tokens/prompt"] for row in train_rows(run)] == [1280, 1280, 1280, 1280]


def test_more_tokens_than_the_context_are_refused(home: Path) -> None:
    said = refused(home, "long", stage__max_completion_tokens=250)
    assert "longest prompt has 8 tokens" in said and "context of 256" in said and "at most 248" in said
    found = manifest(home / "runs" / "long")
    assert found["status"] == "failed" and "context of 256" in found["reason"]


def test_a_chat_template_must_exist(home: Path) -> None:
    assert "no chat template" in refused(home, "chat", model__template="chat")


# ── evaluation ──


def test_the_seeds_of_processes_meet_in_no_run() -> None:
    import torch

    from r1cli.stages.evaluate import seed_of

    found = [seed_of(seed, rank) for seed in range(20) for rank in range(8)]
    assert len(set(found)) == 160, "rank 1 of seed 0 was rank 0 of seed 1"
    assert [seed_of(seed, 0) for seed in range(20)] == list(range(20)), "as with one process"
    assert seed_of(0, 1) == 0x5CC3A6551605A0B4, "the same on every machine"
    torch.manual_seed(max(found))  # all 64 bits are allowed
    torch.manual_seed(0)


def test_where_nothing_could_be_judged_there_is_no_accuracy(tmp_path: Path) -> None:
    from toy_runs import toy_run

    from r1cli.metrics.rollouts import Rollout
    from r1cli.problem import Problem, Status, Verdict
    from r1cli.prompts import split
    from r1cli.stages.evaluate import eval_row
    from r1cli.stages.output import Output

    problem = Problem("toy:1", "q", "13", "number")
    completion = split("<think> no </think> <answer> 13 </answer>", tokens=8, truncated=False)
    failed = Verdict(Status.INFRA_ERROR, 0.0, None, "broken", 0.0)
    row = eval_row([Rollout(problem, completion, failed, None, None, 0)])
    assert not row.keys() & {"eval/accuracy", "eval/ci_low", "eval/ci_high"}
    assert (row["eval/n"], row["eval/infra_errors"]) == (0.0, 1.0)
    run = toy_run(tmp_path)
    output = Output(run, [], 1, lambda problem: problem.question)
    output.row({"step": 1, "loss": 0.5})
    output.row({"step": 2, **row})
    assert output.evaluated() == {2}, "so that a resumed run does not measure it again"
    assert run.last_train_row() == {"step": 1, "loss": 0.5}


def test_the_order_of_problems_is_fixed_and_fair() -> None:
    from r1cli.stages.zero import order

    assert order(8, 4, 4, seed=1) == [0, 1, 2, 3, 4, 5, 6, 7]
    asked = order(10, 30, 4, seed=1)  # rounds of 8: the last 2 of a round do not fill a generation
    assert asked[:8] == list(range(8)) and len(asked) == 32
    for begin in range(0, 32, 8):
        assert len(set(asked[begin : begin + 8])) == 8
    assert asked == order(10, 30, 4, seed=1) != order(10, 30, 4, seed=2)
    assert set(asked) == set(range(10)), "who was left out has his turn later"
