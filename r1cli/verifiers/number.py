r"""Numeric answers such as GSM8K's: one closed number, compared exactly.

What is read as a number, for the answer and the gold alike:
- digits with thousands separators (`1,234` or `1{,}234`, groups of three only), a decimal part, a sign;
- a fraction in lowest terms, `3/4` or `\frac{3}{4}`; `36/2` is arithmetic left undone, so it is refused;
- around it: `\boxed{}`, `$…$`, `**…**`, a currency sign before, a full stop, a percent sign or a unit of up
  to three words behind. A unit is not judged: `50%` and `50 dollars` are 50. Words that change the value
  (`dozen`, `million`) or add another claim (`or`, `not`) are refused.

Everything else is wrong: several numbers, sums, equations (`x = 18`), ranges, exponents (a short text could
cost hours), words before the number.
"""

import re
from fractions import Fraction

from r1cli.problem import Problem, Status
from r1cli.verifiers.judgement import Judgement
from r1cli.verifiers.text import plain

MAX_CHARS = 100
"""Of the whole answer; the longest gold of GSM8K has 11."""

_WRAPPERS = (
    re.compile(r"\\boxed\s*\{(.*)\}"),
    re.compile(r"\\\((.*)\\\)"),
    re.compile(r"\\\[(.*)\\\]"),
    re.compile(r"\$([^$]*)\$"),
    re.compile(r"\*\*([^*]*)\*\*"),
)
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|textrm)\s*\{([^{}]*)\}")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_UNIT = r"[A-Za-z\u00b0][A-Za-z]*(?:/[A-Za-z]+)?[23]?"
_NUMBER = re.compile(
    r"(?P<sign>[-+]?) ?(?P<currency>[$\u20ac\u00a3\u00a5]?) ?(?P<inner>-?)"
    r"(?:(?P<numerator>\d+) ?/ ?(?P<denominator>\d+)"
    r"|(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?|\.(?P<bare>\d+))"
    rf"\.? ?%?(?P<unit>(?:[ -]?{_UNIT})?(?:[ -]{_UNIT}){{0,2}})\.?",
    re.ASCII,  # `\d` would match Arabic digits too
)
# fmt: off
_NO_UNITS = frozenset({
    "hundred", "thousand", "million", "billion", "trillion", "dozen", "dozens", "score", "k", "m", "b", "bn",
    "half", "halves", "third", "thirds", "quarter", "quarters", "squared", "cubed", "factorial",
    "times", "plus", "minus", "over", "or", "and", "to", "not", "no", "e", "i", "pi", "x", "y", "z",
})
# fmt: on


def verify(problem: Problem, answer: str) -> Judgement:
    """Judge one answer against `problem.answer`; raises ValueError when the gold itself is not a number."""
    gold = parse(problem.answer)
    if gold is None:
        raise ValueError(f"the gold answer {problem.answer!r} is not a number")
    value = parse(answer)
    if value is None:
        return Judgement(Status.WRONG, "not one closed number")
    if value != gold:
        return Judgement(Status.WRONG, f"{_show(value)} is not {_show(gold)}")
    return Judgement(Status.RIGHT, f"equals {_show(gold)}")


def parse(text: str) -> Fraction | None:
    """The exact value of a text that is one closed number (see the module), else None."""
    if len(text) > MAX_CHARS:
        return None
    bare = _unwrap(plain(text))
    match = _NUMBER.fullmatch(bare)
    if match is None or _changes_value(match["unit"]):
        return None
    if match["sign"] and match["inner"]:
        return None
    size = _size(match)
    if size is None:
        return None
    return -size if "-" in (match["sign"], match["inner"]) else size


def _unwrap(text: str) -> str:
    text = _LATEX_TEXT.sub(r" \1", text.replace("{,}", ",").replace("\\,", " ").replace("\\!", ""))
    text = _LATEX_FRACTION.sub(r"\1/\2", text.replace("\\$", "$").replace("\\%", "%"))
    while True:
        # every turn takes a wrapper off, so there are at most `MAX_CHARS` of them
        inner = next((m[1] for m in (w.fullmatch(text.removesuffix(".")) for w in _WRAPPERS) if m), None)
        if inner is None:
            return " ".join(text.split())
        text = inner.strip()


def _size(match: re.Match[str]) -> Fraction | None:
    if match["numerator"] is not None:
        numerator, denominator = int(match["numerator"]), int(match["denominator"])
        if denominator < 2 or Fraction(numerator, denominator).denominator != denominator:
            return None
        return Fraction(numerator, denominator)
    whole = (match["whole"] or "0").replace(",", "")
    decimals = match["decimals"] or match["bare"] or ""
    return Fraction(int(whole + decimals), 10 ** len(decimals))


def _changes_value(unit: str) -> bool:
    return any(word.lower() in _NO_UNITS for word in re.findall(r"[A-Za-z]+", unit))


def _show(value: Fraction) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:20]}..."
