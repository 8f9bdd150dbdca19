"""What a run writes down, and who hears of it: called on the main process, if not said otherwise."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from r1cli.config.schema import Config
from r1cli.metrics.rollouts import Rollout
from r1cli.problem import Problem
from r1cli.runs.files import read_jsonl
from r1cli.runs.run import Run, is_eval
from r1cli.stages.listener import Listener
from r1cli.stages.models import Policy, prompt_text

Row = dict[str, Any]


class Output:
    """`metrics.jsonl` and `samples.jsonl` of a run, passed on to the listeners."""

    def __init__(
        self, run: Run, listeners: Sequence[Listener], prompts: int, asked: Callable[[Problem], str]
    ) -> None:
        """A record of samples holds `prompts` prompts; `asked` gives one as the policy reads it."""
        self._run, self._listeners, self._prompts, self._asked = run, listeners, prompts, asked

    def evaluated(self) -> set[int]:
        """The steps whose evaluation is written down already."""
        return {int(row["step"]) for row in read_jsonl(self._run.metrics) if is_eval(row)}

    def row(self, row: Row) -> None:
        """Write a metric row."""
        self._run.log_metrics(row)
        for listener in self._listeners:
            listener.row(row)

    def samples(self, step: int, kind: str, rollouts: Sequence[Rollout]) -> None:
        """Write every completion of the first few prompts; `kind` is `train` or `probe`."""
        chosen = set(list(dict.fromkeys(r.group for r in rollouts))[: self._prompts])
        self._write(step, kind, [rollout for rollout in rollouts if rollout.group in chosen])

    def failed(self, step: int, rollouts: Sequence[Rollout]) -> None:
        """Write a whole batch on which a reward failed after `step` updates; `kind` is `failed`.

        The only rows that a process other than the main one may write: the run is about to end.
        """
        self._write(step, "failed", rollouts)

    def _write(self, step: int, kind: str, rollouts: Sequence[Rollout]) -> None:
        for rollout in rollouts:
            row = sample_row(step, kind, rollout, self._asked(rollout.problem))
            self._run.log_sample(row)
            for listener in self._listeners:
                listener.sample(row)


def output_of(config: Config, run: Run, policy: Policy, listeners: Sequence[Listener]) -> Output:
    """The output of a run's stage."""
    asked = partial(prompt_text, config.model.template, policy.tokenizer)
    return Output(run, listeners, config.stage.samples_prompts, asked)


def sample_row(step: int, kind: str, rollout: Rollout, prompt: str) -> Row:
    """A row of `samples.jsonl`: one completion with everything that was judged about it."""
    problem, completion, verdict = rollout.problem, rollout.completion, rollout.verdict
    return {
        "step": step,
        "kind": kind,
        "problem": problem.id,
        "prompt": prompt,
        "completion": completion.text,
        "reasoning": completion.reasoning,
        "answer": completion.answer,
        "gold": problem.answer,
        "verdict": str(verdict.status),
        "reason": verdict.reason,
        "rewards": rollout.rewards,
        "tokens": completion.tokens,
        "truncated": completion.truncated,
    }
