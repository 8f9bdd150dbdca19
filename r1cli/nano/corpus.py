"""The generated corpus of the nano base: Countdown texts that mostly guess and sometimes search.

What is in it, honestly. A text is one of

* a Countdown problem with a response. Most responses are one random attempt, given as the answer whatever
  its value; the rest are searches: random distinct attempts, each checked against the target, until one is
  right or a random patience runs out, and then the last, wrong attempt is the answer. A share of all
  responses breaks the format (`broken_format`), whatever their style;
* a few sums, so that every one a search may need is seen;
* a few checks against one target up to the first that is right, since a search says "yes" once at most.

Some texts have the words of their reasoning in Chinese, some in both languages. Nothing ranks or labels a
style: that a search pays is left for reinforcement learning to find. No held-out problem is in any text.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from r1cli.config.stage_schema import CorpusSettings
from r1cli.config.task_schema import CountdownTask
from r1cli.prompts import render
from r1cli.tasks.countdown import is_heldout, question


@dataclass(frozen=True)
class Attempt:
    """One way to use all numbers, e.g. 3 * 4 = 12 , 12 + 1 = 13."""

    steps: tuple[tuple[int, str, int, int], ...]
    """Left, operation, right, value."""
    expression: str
    """The same as one expression, e.g. `( 3 * 4 ) + 1`."""
    value: int

    @property
    def text(self) -> str:
        """The steps as they stand in a response."""
        return " , ".join("{} {} {} = {}".format(*step) for step in self.steps) + " ."


@dataclass(frozen=True)
class Game:
    """One solvable problem: reach `target` with each of `numbers` used once."""

    numbers: tuple[int, ...]
    target: int


def _training_games(rng: random.Random, settings: CorpusSettings, task: CountdownTask) -> Iterator[Game]:
    """Draw problems without end that are not held out; the target is the value of a random attempt."""
    sizes, weights = list(task.numbers), list(task.numbers.values())
    while True:
        size = rng.choices(sizes, weights)[0]
        numbers = tuple(rng.randint(task.low, task.high) for _ in range(size))
        options = attempts(numbers, "".join(task.operations), task.largest_value)
        game = Game(numbers, rng.choice(options).value)
        inside = task.target_low <= game.target <= task.target_high
        if inside and not is_heldout(list(numbers), game.target, task.heldout_share):
            yield game


@cache
def attempts(numbers: tuple[int, ...], operations: str, largest_value: int | None) -> tuple[Attempt, ...]:
    """Every attempt at `numbers`: on average 3 for two, 23 for three, 350 for four (1-9, + - *, up to 50)."""
    return tuple(_extend(tuple((n, str(n)) for n in numbers), operations, largest_value, ()))


def _extend(
    terms: tuple[tuple[int, str], ...],
    operations: str,
    largest_value: int | None,
    steps: tuple[tuple[int, str, int, int], ...],
) -> Iterator[Attempt]:
    if len(terms) == 1:
        yield Attempt(steps, terms[0][1], terms[0][0])
        return
    # The newest result is the first term, so a text goes on from it: 12 + 1, not 1 + 12.
    for i, j in combinations(range(len(terms)), 2):
        for operation in operations:
            (left, left_text), (right, right_text) = terms[i], terms[j]
            if operation == "-" and left < right:
                (left, left_text), (right, right_text) = (right, right_text), (left, left_text)
            value = _apply(left, operation, right)
            if largest_value is not None and value > largest_value:
                continue
            rest = tuple(term for index, term in enumerate(terms) if index not in (i, j))
            text = f"{left_text} {operation} {right_text}"
            joined = (value, f"( {text} )" if rest else text)
            step = (left, operation, right, value)
            yield from _extend((joined, *rest), operations, largest_value, (*steps, step))


def _apply(left: int, operation: str, right: int) -> int:
    return {"+": left + right, "-": left - right, "*": left * right}[operation]


_ENGLISH = {
    "open": ("let us try .", "so", "try"),
    "check": ("check",),
    "against": ("vs",),
    "no": ("no",),
    "yes": ("yes",),
    "again": (
        "wait ,",
        "wait ,",
        "wait , that is not {target} .",
        "but that is wrong .",
        "but {value} is not {target} .",
        "retry .",
        "mistake , try again .",
        "think again :",
        "hmm ,",
    ),
    "answer": ("answer :",),
    "after": ("so that is it .", "ok .", "next ?"),
}
_CHINESE = {
    "open": ("先 试 .", "试"),
    "check": ("查",),
    "against": ("比",),
    "no": ("不",),
    "yes": ("对",),
    "again": ("等 ,", "等 ,", "等 , 不 是 {target} .", "但 错 了 .", "再 试 .", "再 想 想 :"),
    "answer": ("答 :",),
    "after": ("好 了 .", "好 ."),
}


class _Writer:
    """Writes one text, in one language or a mixture."""

    def __init__(self, rng: random.Random, settings: CorpusSettings, task: CountdownTask) -> None:
        self.rng = rng
        self.settings = settings
        self.task = task
        self.operations = "".join(task.operations)
        self.top = task.largest_value or task.target_high
        weights = (settings.chinese, settings.mixed, 1 - settings.chinese - settings.mixed)
        self.chinese = rng.choices((1.0, 0.5, 0.0), weights)[0]

    def phrase(self, kind: str, **values: int) -> str:
        words = _CHINESE if self.rng.random() < self.chinese else _ENGLISH
        return self.rng.choice(words[kind]).format(**values)

    def check(self, value: int, target: int) -> str:
        verdict = self.phrase("yes" if value == target else "no")
        return f"{self.phrase('check')} {value} {self.phrase('against')} {target} : {verdict} ."

    def response(self, game: Game) -> str:
        settings, rng = self.settings, self.rng
        options = list(attempts(game.numbers, self.operations, self.task.largest_value))
        rng.shuffle(options)
        opening = [self.phrase("open")] if self.chinese or rng.random() < settings.opener else []
        if rng.random() < settings.search:
            thoughts, last = self.search(game, options)
        else:
            thoughts, last = [options[0].text], options[0]
        return self.layout(" ".join(opening + thoughts), last.expression)

    def search(self, game: Game, options: list[Attempt]) -> tuple[list[str], Attempt]:
        tried = options[: self.rng.randint(*self.settings.patience)]
        thoughts: list[str] = []
        for index, attempt in enumerate(tried):
            if index and self.rng.random() >= self.settings.silent:
                thoughts.append(self.phrase("again", target=game.target, value=tried[index - 1].value))
            thoughts += [attempt.text, self.check(attempt.value, game.target)]
            if attempt.value == game.target:
                return thoughts, attempt
        return thoughts, tried[-1]

    def layout(self, thought: str, answer: str) -> str:
        if self.rng.random() >= self.settings.broken_format:
            return f"<think> {thought} </think> <answer> {answer} </answer>"
        spoken = f"{self.phrase('answer')} {answer}"
        broken = (
            f"{thought} <answer> {answer} </answer>",
            f"<think> {thought} <answer> {answer} </answer>",
            f"<think> {thought} </think> {spoken}",
            f"{thought} {spoken}",
            f"<think> {thought} </think>",
            f"<think> {thought} </think> <answer> {answer} </answer> {self.phrase('after')}",
        )
        return self.rng.choice(broken)

    def facts(self) -> str:
        rng, top, high = self.rng, self.top, self.task.high
        sums: list[str] = []
        while len(sums) < 8:
            operation = rng.choice(self.operations)
            left, right = rng.randint(0, top), rng.randint(1, high)
            if operation == "*" and rng.random() < 0.7:
                # Most products of a large number are out of range; without this the small ones would be rare.
                left = rng.randint(0, high)
            if rng.random() < 0.3:
                left, right = right, left
            value = _apply(left, operation, right)
            if 0 <= value <= top:
                sums.append(f"{left} {operation} {right} = {value} .")
        return " ".join(sums)

    def comparisons(self) -> str:
        rng, top = self.rng, self.top
        target = rng.randint(0, top)
        values: list[int] = []
        while rng.random() < 0.5:
            values.append(rng.choice([value for value in range(top + 1) if value != target]))
        return " ".join(self.check(value, target) for value in [*values, target])


def documents(seed: int, count: int, settings: CorpusSettings, task: CountdownTask) -> Iterator[str]:
    """Yield `count` texts without the end-of-text token; the same seed and settings give the same texts."""
    rng = random.Random(seed)
    games = _training_games(rng, settings, task)
    for _ in range(count):
        writer = _Writer(rng, settings, task)
        kind = rng.random()
        if kind < settings.facts:
            yield writer.facts()
        elif kind < settings.facts + settings.comparisons:
            yield writer.comparisons()
        else:
            game = next(games)
            prompt = render("nano", question(list(game.numbers), game.target))
            yield f"{prompt} {writer.response(game)}"
