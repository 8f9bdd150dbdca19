"""Countdown: does the expression use every given number exactly once and equal the target?

The answer is untrusted text. It is never evaluated by Python: a whitelist of characters, `ast` for the
grammar only, then a walk over the tree with exact fractions. The numbers are compared before anything is
computed, so no value can grow beyond what the given numbers allow, and the length limit bounds the parser.
"""

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction

from r1cli.problem import Problem, Status
from r1cli.verifiers.judgement import Judgement
from r1cli.verifiers.text import plain

MAX_CHARS = 200
"""Six numbers of seven digits with all their brackets need fewer than 100."""
MAX_DEPTH = 20
"""Nested brackets; six numbers need five."""

_ALLOWED = re.compile(r"[0-9+\-*/() ]+")
_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class _Refused(Exception):
    """The text is no expression of the permitted kind; the message is the reason of the verdict."""


def verify(problem: Problem, answer: str) -> Judgement:
    """Judge one expression against `problem.meta["numbers"]` and `problem.meta["target"]`.

    Right only if the whole answer is one expression of integers, + - * / and brackets. Wrong are therefore
    `3*4+1 = 13`, several expressions, words or units, a sign before a number, `**`, `//` and implied products
    such as `3(4)`. × ÷ − · and full-width characters are read as what they stand for.
    """
    try:
        tree = _parse(plain(answer))
        _demand_numbers(tree, problem.meta["numbers"])
        value = _value(tree)
    except _Refused as refusal:
        return Judgement(Status.WRONG, str(refusal))
    except ZeroDivisionError:
        return Judgement(Status.WRONG, "divides by zero")
    if value != problem.meta["target"]:
        return Judgement(Status.WRONG, f"equals {value}, not {problem.meta['target']}")
    return Judgement(Status.RIGHT, f"equals {value}")


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_CHARS:
        raise _Refused(f"longer than {MAX_CHARS} characters")
    if not _ALLOWED.fullmatch(text):
        raise _Refused("only numbers, + - * / and brackets are allowed")
    if _depth(text) > MAX_DEPTH:
        raise _Refused(f"more than {MAX_DEPTH} nested brackets")
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise _Refused("not an expression") from None


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        deepest = max(deepest, depth)
    return deepest


def _demand_numbers(tree: ast.expr, given: list[int]) -> None:
    used, allowed = Counter(_leaves(tree)), Counter(given)
    for number in sorted(used.keys() - allowed.keys()):
        raise _Refused(f"uses {_short(number)}, which is not given")
    for number in sorted(allowed):
        if number not in used:
            raise _Refused(f"does not use {number}")
        if used[number] != allowed[number]:
            raise _Refused(f"uses {number} {_times(used[number])}, given {_times(allowed[number])}")


def _leaves(tree: ast.expr) -> Iterator[int]:
    match tree:
        case ast.Constant(value=int() as number):
            yield number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            yield from _leaves(left)
            yield from _leaves(right)
        case _:
            raise _Refused("only + - * / between numbers are allowed")


def _value(tree: ast.expr) -> Fraction:
    if isinstance(tree, ast.BinOp):
        return _OPERATIONS[type(tree.op)](_value(tree.left), _value(tree.right))
    assert isinstance(tree, ast.Constant) and isinstance(tree.value, int)  # `_leaves` has refused all else
    return Fraction(tree.value)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _short(number: int) -> str:
    text = str(number)
    return text if len(text) <= 12 else f"{text[:12]}..."
