"""From the trainer's completions to graded rollouts, once per batch, shared by every reward term.

TRL calls each reward function by itself. The grader judges a batch when the first term asks for it and hands
the same verdicts to the others, so that one verifier call serves all terms, the metrics and the sample log.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from r1cli import rewards
from r1cli.config.schema import RewardTerm
from r1cli.metrics.rollouts import Rollout
from r1cli.problem import Problem
from r1cli.prompts import split
from r1cli.rewards import RewardError
from r1cli.verifiers import verify

RewardFunction = Callable[..., list[float | None]]


class BatchFailed(RewardError):
    """A reward failed on a completion; `rollouts` is its batch.

    A rollout it failed on has no rewards, and the error as its verdict's reason; the text is that of the
    first one.
    """

    def __init__(self, text: str, rollouts: Sequence[Rollout]) -> None:
        super().__init__(text)
        self.rollouts = rollouts


class Grader:
    """Grades completions of known problems; keeps them for the recorder."""

    def __init__(
        self,
        problems: Sequence[Problem],
        terms: Mapping[str, RewardTerm],
        *,
        prefill: str,
        stop: Sequence[int],
    ) -> None:
        self._problems = problems
        self._terms = terms
        self._prefill = prefill
        self._stop = frozenset(stop)
        self._key: object = None
        self._batch: list[Rollout] = []
        self._fresh: list[Rollout] = []

    def grade(self, indices: Sequence[int], texts: Sequence[str], ids: Sequence[list[int]]) -> list[Rollout]:
        """Judge one batch: positions in the problems, texts, and tokens with their stop token.

        Raises:
            BatchFailed: a reward failed; the rest of the batch was graded all the same.
        """
        errors: list[RewardError] = []
        rollouts = [self._one(i, text, t, errors) for i, text, t in zip(indices, texts, ids, strict=True)]
        if errors:
            raise BatchFailed(str(errors[0]), rollouts) from errors[0]
        return rollouts

    def _one(self, index: int, text: str, tokens: list[int], errors: list[RewardError]) -> Rollout:
        problem = self._problems[index]
        truncated = not tokens or tokens[-1] not in self._stop
        completion = split(self._prefill + text, tokens=len(tokens), truncated=truncated)
        verdict = verify(problem, completion)
        try:
            parts = rewards.score(self._terms, problem, completion, verdict)
        except RewardError as error:
            errors.append(error)
            return Rollout(problem, completion, verdict._replace(reason=str(error)), None, None, index)
        total = None if parts is None else rewards.total(self._terms, parts)
        return Rollout(problem, completion, verdict, parts, total, index)

    def take(self) -> list[Rollout]:
        """The rollouts since the last `take`; none when a step learned again from those of an earlier one."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def functions(self) -> tuple[list[RewardFunction], list[float]]:
        """One TRL reward function for each term, and their weights."""
        return [self._as_trl(name) for name in self._terms], [term.weight for term in self._terms.values()]

    def _as_trl(self, name: str) -> RewardFunction:
        """TRL reads None as "not scorable"; a completion without verdict gets None from every term alike."""

        def term(
            completions: list[str], completion_ids: list[list[int]], problem: list[int], **_: Any
        ) -> list[float | None]:
            if self._key is not completion_ids:
                self._key = completion_ids
                self._batch = self.grade(problem, completions, completion_ids)
                self._fresh += self._batch
            return [None if r.rewards is None else r.rewards[name] for r in self._batch]

        term.__name__ = name
        return term
