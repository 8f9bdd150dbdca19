"""Prompt templates and the think/answer format: the only file that knows the tags.

Everything else asks this one: `prompt` turns a problem into text for the policy, `split` takes a response
apart.
"""

import re
from typing import NamedTuple

from r1cli.errors import unknown
from r1cli.problem import Completion, Problem

THINK = ("<think>", "</think>")
"""Opening and closing tag of the reasoning."""
ANSWER = ("<answer>", "</answer>")
"""Opening and closing tag of the final answer."""

_FORMAT = re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)


class Template(NamedTuple):
    """How a question becomes a prompt."""

    name: str
    prefill: str
    """Response text that the prompt already holds at its end; rewards judge prefill + generated text."""
    text: str
    """The prompt, with `{question}` where the question goes."""
    terse: bool = False
    """Ask the short `Problem.question`; otherwise the full `Problem.meta["statement"]` where there is one."""


# DeepSeek-R1 (arXiv 2501.12948v1), Table 1, verbatim.
_R1_ZERO = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. "
    "The assistant first thinks about the reasoning process in the mind and then provides the user with the "
    "answer. The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> "
    "tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>. "
    "User: {question}. Assistant:"
)

# The content of the user's message; the chat template of the tokenizer goes around it.
_CHAT = (
    "{question}\n\nFirst think about the reasoning process, then give the answer, in exactly this form: "
    "<think> reasoning process here </think> <answer> answer here </answer>"
)

TEMPLATES: dict[str, Template] = {
    "nano": Template("nano", "", "User : {question} Assistant :", terse=True),
    "r1_zero": Template("r1_zero", "", _R1_ZERO),
    "r1_zero_prefilled": Template("r1_zero_prefilled", THINK[0], f"{_R1_ZERO} {THINK[0]}"),
    "chat": Template("chat", "", _CHAT),
}


def template(name: str) -> Template:
    """The template called `name`; a `UserError` names the known ones."""
    if name not in TEMPLATES:
        raise unknown("template", name, TEMPLATES, "Set it with model.template=NAME.")
    return TEMPLATES[name]


def render(name: str, question: str) -> str:
    """The prompt for `question`.

    A full stop that ends both the question and its place in the template is written once: the paper's
    template puts one after the question, which most questions already bring.
    """
    text = template(name).text
    body = question.strip()
    if body[-1:] in {".", "?", "!"}:
        text = text.replace("{question}.", "{question}")
    # Not str.format: a question may hold braces.
    return text.replace("{question}", body)


def prompt(name: str, problem: Problem) -> str:
    """The prompt for a problem, in the wording that suits the template."""
    question = problem.question if template(name).terse else problem.meta.get("statement", problem.question)
    return render(name, question)


def split(text: str, *, tokens: int, truncated: bool) -> Completion:
    """Take a response (prefill + generated text) apart.

    - reasoning: from the first `<think>` to the first `</think>` behind it; if that never comes, to the first
      `<answer>` or the end. None without `<think>`.
    - answer: the last of `answers(text)`, None if there is none.
    - well formed: one non-empty reasoning, then one non-empty answer, each tag exactly once, and nothing but
      white space around them.
    """
    found = answers(text)
    return Completion(
        text=text,
        reasoning=_reasoning(text),
        answer=found[-1] if found else None,
        well_formed=_well_formed(text),
        tokens=tokens,
        truncated=truncated,
    )


def answers(text: str) -> list[str]:
    """What stands in each `<answer>` pair of the final part, stripped, in order.

    The final part begins after the last `</think>`; without one it is the whole text. Of nested pairs the
    innermost counts.
    """
    final = text.rpartition(THINK[1])[2]
    opened = final.split(ANSWER[0])[1:]
    return [part.partition(ANSWER[1])[0].strip() for part in opened if ANSWER[1] in part]


def thoughts(completion: Completion) -> str:
    """Where the policy thinks: in the reasoning, or without `<think>` in all that stands before the answer.

    Metrics of the reasoning (reflection words, language) read this, so that a base model which thinks without
    tags is measured like a trained one which uses them; otherwise learning the format alone would look like
    learning to reflect.
    """
    if completion.reasoning is not None:
        return completion.reasoning
    before = completion.text.partition(ANSWER[0])[0]
    return before.partition(THINK[1])[0].strip()


def tags_once(text: str) -> float:
    """Share of the four tags that occur exactly once, 0 to 1."""
    return sum(text.count(tag) == 1 for tag in (*THINK, *ANSWER)) / 4


def _reasoning(text: str) -> str | None:
    _, opened, rest = text.partition(THINK[0])
    if not opened:
        return None
    end = THINK[1] if THINK[1] in rest else ANSWER[0]
    return rest.partition(end)[0].strip()


def _well_formed(text: str) -> bool:
    if tags_once(text) < 1.0:
        return False
    match = _FORMAT.fullmatch(text)
    return match is not None and all(part.strip() for part in match.groups())
