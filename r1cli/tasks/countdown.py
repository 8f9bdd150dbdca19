"""Countdown, made without end: reach a target with every given number used exactly once.

A problem is the value of a random expression over random numbers, so it always has a solution, and targets
that many expressions reach come up more often. A permutation of the numbers is the same problem: it is on the
same side of the split between training and held-out problems, which a hash alone decides.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from r1cli.config.task_schema import CountdownTask
from r1cli.errors import UserError
from r1cli.problem import Problem

_HELDOUT_SEED = "countdown held out"
_MISSES = 2_000
"""Draws in a row without a new problem after which all of them count as found."""


class Node(NamedTuple):
    """An expression and its value."""

    value: int
    text: str


class Countdown:
    """Problems from the ranges and operations of a config."""

    def __init__(self, config: CountdownTask, seed: int) -> None:
        """Nothing is made before it is asked for."""
        self._config = config
        self._seed = seed

    @property
    def size(self) -> int | None:
        """None: there is no end."""
        return None

    def train(self, count: int) -> list[Problem]:
        """`count` problems; if the ranges hold fewer, all of them over and over, shuffled anew each time."""
        rng = random.Random(f"countdown train {self._seed}")
        problems = found = self._distinct(rng, count, heldout=False)
        while len(problems) < count:
            problems = problems + rng.sample(found, min(len(found), count - len(problems)))
        return problems

    def heldout(self, count: int) -> list[Problem]:
        """Up to `count` different problems, the same for every seed; fewer when the ranges hold fewer."""
        return self._distinct(random.Random(_HELDOUT_SEED), count, heldout=True)

    def _distinct(self, rng: random.Random, count: int, *, heldout: bool) -> list[Problem]:
        found: dict[str, Problem] = {}
        misses = 0
        while len(found) < count and misses < _MISSES:
            problem = self._draw(rng)
            if problem is None or problem.id in found or self._is_heldout(problem) != heldout:
                misses += 1
                continue
            found[problem.id] = problem
            misses = 0
        if count and not found:
            raise self._impossible(heldout)
        return list(found.values())

    def _draw(self, rng: random.Random) -> Problem | None:
        config = self._config
        size = rng.choices(list(config.numbers), list(config.numbers.values()))[0]
        numbers = [rng.randint(config.low, config.high) for _ in range(size)]
        solution = expression(rng, numbers, config.operations, config.largest_value)
        if solution is None or not config.target_low <= solution.value <= config.target_high:
            return None
        return make_problem(numbers, solution)

    def _is_heldout(self, problem: Problem) -> bool:
        return is_heldout(problem.meta["numbers"], problem.meta["target"], self._config.heldout_share)

    def _impossible(self, heldout: bool) -> UserError:
        config = self._config
        part = "held-out" if heldout else "training"
        return UserError(
            f"task `{config.name}` has no {part} problem: {'/'.join(map(str, config.numbers))} numbers from "
            f"{config.low} to {config.high} with {' '.join(config.operations)} reach no target from "
            f"{config.target_low} to {config.target_high} in its share ({config.heldout_share} held out).",
            "Widen task.high or task.target_low/task.target_high, or change task.heldout_share.",
        )


def is_heldout(numbers: list[int], target: int, share: float) -> bool:
    """Whether a problem is kept from training and pretraining corpora, by sha256 of its canonical form.

    The order of the numbers does not count. A problem that is held out at one `share` is so at every larger
    one.
    """
    digest = hashlib.sha256(f"{sorted(numbers)} {target}".encode()).hexdigest()
    return int(digest[:8], 16) < share * 16**8


def make_problem(numbers: list[int], solution: Node) -> Problem:
    """The problem that `solution` solves."""
    target = solution.value
    return Problem(
        id=f"countdown:{','.join(map(str, numbers))}={target}",
        question=question(numbers, target),
        answer=solution.text,
        verifier="countdown",
        meta={"numbers": numbers, "target": target, "statement": statement(numbers, target)},
    )


def question(numbers: list[int], target: int) -> str:
    """The problem in short, `make 13 from 3 4 1 .`, as the nano models read it."""
    return f"make {target} from {' '.join(map(str, numbers))} ."


def statement(numbers: list[int], target: int) -> str:
    """The problem with its rules, for models that were not raised on the short form."""
    listed = ", ".join(map(str, numbers))
    return (
        f"Using each of the numbers {listed} exactly once, and only + - * / and parentheses, write an "
        f"expression that equals {target}. The answer is the expression alone, without an equals sign."
    )


def expression(
    rng: random.Random, numbers: Sequence[int], operations: Sequence[str], largest: int | None = None
) -> Node | None:
    """A random expression over all numbers, e.g. `( 3 * 4 ) + 1`; None if it came to where no operation fits.

    Intermediate results are whole and not negative: the larger is taken minus the smaller, and only divisions
    without remainder are made. None goes above `largest`.
    """
    nodes = [Node(number, str(number)) for number in numbers]
    while len(nodes) > 1:
        # `sample` also decides the order in which + and * are written
        left, right = (nodes.pop(index) for index in _two(rng, len(nodes)))
        options = [n for n in _combine(left, right, operations) if largest is None or n.value <= largest]
        if not options:
            return None
        value, text = rng.choice(options)
        nodes.append(Node(value, f"( {text} )" if nodes else text))
    return nodes[0]


def _two(rng: random.Random, count: int) -> tuple[int, int]:
    first, second = rng.sample(range(count), 2)
    return first, second - (second > first)


def _combine(left: Node, right: Node, operations: Sequence[str]) -> Iterator[Node]:
    large, small = (left, right) if left.value >= right.value else (right, left)
    for sign in operations:
        match sign:
            case "+":
                yield Node(left.value + right.value, f"{left.text} + {right.text}")
            case "*":
                yield Node(left.value * right.value, f"{left.text} * {right.text}")
            case "-":
                yield Node(large.value - small.value, f"{large.text} - {small.text}")
            case "/" if small.value and large.value % small.value == 0:
                yield Node(large.value // small.value, f"{large.text} / {small.text}")
