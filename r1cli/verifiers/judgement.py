"""What a verifier says of one answer."""

from collections.abc import Callable
from typing import NamedTuple

from r1cli.problem import Problem, Status


class Judgement(NamedTuple):
    """A status and the reason for it in a few words."""

    status: Status
    reason: str


Verifier = Callable[[Problem, str], Judgement]
"""(problem, answer text) -> judgement. It raises when it cannot judge, never for an odd answer."""
