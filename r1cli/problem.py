"""Three of the six nouns: what is asked (Problem), what was written (Completion), is it right (Verdict)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Problem:
    """One question with a verifiable answer."""

    id: str
    """Unique in its task and stable over runs, e.g. `countdown:3,4,1=13`."""
    question: str
    """The text that is put in the prompt template, e.g. `make 13 from 3 4 1 .`"""
    answer: str
    """The gold answer as text; what it means is the verifier's business."""
    verifier: str
    """Key in `r1cli.verifiers.VERIFIERS`."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """JSON values the verifier or a report needs, e.g. `{"numbers": [3, 4, 1], "target": 13}`."""


@dataclass(frozen=True)
class Completion:
    """One response of the policy, split into its parts (`r1cli.prompts.split`)."""

    text: str
    """Prefill + generated text, special tokens removed: what rewards judge."""
    reasoning: str | None
    """Text inside the one `<think>` pair; None when there is none."""
    answer: str | None
    """Text inside the last `<answer>` pair after the reasoning; None when there is none."""
    well_formed: bool
    """The whole text is one non-empty reasoning followed by one non-empty answer, nothing else."""
    tokens: int
    """Generated tokens, the stop token included."""
    truncated: bool
    """The token limit ended it, not a stop token."""


class Status(StrEnum):
    """What a verifier found. Only `right` scores; an `infra_error` is excluded, never counted as wrong."""

    RIGHT = "right"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    INFRA_ERROR = "infra_error"


class Verdict(NamedTuple):
    """The judgement of one completion, the same for reward, rejection sampling and evaluation."""

    status: Status
    score: float
    """1.0 for right, else 0.0 (a verifier may give partial credit between)."""
    extracted: str | None
    """The answer that was judged."""
    reason: str
    """Why, in a few words: "equals 13", "uses 3 twice", "no <answer>"."""
    seconds: float
    """Wall time of the judgement."""
