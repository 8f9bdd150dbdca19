"""Sampled pass@1 on the same held-out problems every time, with a 95% interval."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from accelerate.utils import gather_object

from r1cli.config.schema import Config
from r1cli.config.stage_schema import EvalSettings
from r1cli.metrics.estimators import mean_ci_clustered
from r1cli.metrics.rollouts import Rollout, step_metrics
from r1cli.problem import Problem
from r1cli.prompts import template
from r1cli.stages.generate import sample
from r1cli.stages.grading import Grader
from r1cli.stages.models import Policy, encode


class HeldOut(NamedTuple):
    """The evaluation set as the policy reads it, and who judges it."""

    policy: Policy
    """Its tokenizer and stop tokens; the weights are those given to `evaluate`."""
    prompts: Sequence[list[int]]
    grader: Grader
    settings: EvalSettings
    limit: int
    """Most tokens of a completion."""
    seed: int


def held_out(config: Config, policy: Policy, problems: Sequence[Problem], limit: int) -> HeldOut:
    """The evaluation set of a run's stage."""
    grader = Grader(
        problems, config.reward, prefill=template(config.model.template).prefill, stop=policy.stop
    )
    prompts = encode(policy, config.model.template, problems)
    return HeldOut(policy, prompts, grader, config.stage.eval, limit, config.seed)


def evaluate(
    model: Any,
    held: HeldOut,
    *,
    rank: int,
    ranks: int,
    should_stop: Callable[[], bool],
) -> list[Rollout] | None:
    """All rollouts, in problem order, on every rank; None when a stop was asked for half way.

    The random state of training is put back afterwards: evaluating more often does not change a run.
    """
    mine = [(i, k) for i in range(rank, len(held.prompts), ranks) for k in range(held.settings.samples)]
    training, devices = model.training, range(torch.cuda.device_count())
    model.eval()
    rollouts: list[Rollout] = []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed_of(held.seed, rank))
        for start in range(0, len(mine), held.settings.batch):
            part = [i for i, _ in mine[start : start + held.settings.batch]]
            rollouts += _batch(model, held, part, should_stop)
    model.train(training)
    everyone: list[Rollout] = gather_object(rollouts)
    if any(gather_object([should_stop()])):
        return None
    return sorted(everyone, key=lambda r: r.group)


def seed_of(seed: int, rank: int) -> int:
    """The seed of a process: the run's own for the first, far from that of any other run for the rest."""
    return seed if rank == 0 else int.from_bytes(hashlib.sha256(f"{seed} {rank}".encode()).digest()[:8])


def _batch(model: Any, held: HeldOut, part: list[int], should_stop: Callable[[], bool]) -> list[Rollout]:
    tokenizer = held.policy.tokenizer
    ids = sample(
        model,
        [held.prompts[i] for i in part],
        stop=held.policy.stop,
        pad=tokenizer.pad_token_id,
        limit=held.limit,
        temperature=held.settings.temperature,
        should_stop=should_stop,
    )
    return held.grader.grade(part, tokenizer.batch_decode(ids, skip_special_tokens=True), ids)


def eval_row(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Metrics of an evaluation under `eval/`; the interval treats the problem as the cluster.

    Without any completion that could be judged there is no accuracy and no interval, and `eval/n` is 0.
    """
    by_problem: dict[int, list[float]] = {}
    for r in rollouts:
        if r.rewards is not None:
            by_problem.setdefault(r.group, []).append(r.verdict.score)
    estimate = mean_ci_clustered(list(by_problem.values()))
    row = {f"eval/{name}": value for name, value in step_metrics(rollouts).items()}
    row["eval/n"] = float(estimate.n_samples)
    if not estimate.n_samples:
        return row
    return row | {
        "eval/accuracy": estimate.mean,
        "eval/ci_low": estimate.low,
        "eval/ci_high": estimate.high,
    }
