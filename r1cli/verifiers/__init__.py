"""Is it right? One verdict per completion, the same for reward, rejection sampling and evaluation."""

import time

from r1cli.errors import unknown
from r1cli.problem import Completion, Problem, Status, Verdict
from r1cli.prompts import answers
from r1cli.verifiers import countdown, number
from r1cli.verifiers.judgement import Judgement, Verifier

__all__ = ["VERIFIERS", "Judgement", "Verifier", "check", "verify"]

VERIFIERS: dict[str, Verifier] = {
    "countdown": countdown.verify,
    "number": number.verify,
}


def check(name: str) -> Verifier:
    """The verifier called `name`; a `UserError` names the known ones."""
    if name not in VERIFIERS:
        raise unknown("verifier", name, VERIFIERS)
    return VERIFIERS[name]


def verify(problem: Problem, completion: Completion) -> Verdict:
    """Judge a completion. No answer is `no_answer`, several answers are wrong, whichever of them is right.

    A failure of the verifier itself is an `infra_error`, which is excluded everywhere and never counted as
    wrong.
    """
    verifier = check(problem.verifier)
    started = time.perf_counter()
    status, reason = _judge(verifier, problem, completion)
    seconds = time.perf_counter() - started
    return Verdict(status, 1.0 if status is Status.RIGHT else 0.0, completion.answer, reason, seconds)


def _judge(verifier: Verifier, problem: Problem, completion: Completion) -> Judgement:
    if not completion.answer:
        return Judgement(Status.NO_ANSWER, "no <answer>" if completion.answer is None else "empty <answer>")
    count = len(answers(completion.text))
    if count > 1:
        return Judgement(Status.WRONG, f"{count} answers where one is asked")
    try:
        return verifier(problem, completion.answer)
    except Exception as error:  # a bug of ours or a bad gold must not teach the policy that it was wrong
        return Judgement(Status.INFRA_ERROR, f"{problem.verifier}: {type(error).__name__}: {error}")
