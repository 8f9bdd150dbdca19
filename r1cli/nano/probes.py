"""What a nano model can do, measured on its texts: arithmetic, checks, attempts, one guess against a search.

These figures decide whether reinforcement learning has anything to reinforce. Every function takes texts and
nothing else, so the same code measures the base, a checkpoint and the completions of any run.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_EQUATION = re.compile(r"(?<![\d+*-] )\b(\d+) ([-+*]) (\d+) = (\d+)\b")
_CHECK = re.compile(r"(?:check|查) (\d+) (?:vs|比) (\d+) : (yes|no|对|不)(?= |$)")
_YES = ("yes", "对")


@dataclass(frozen=True)
class Share:
    """A count of hits in a count of cases; `rate` is None where there was no case."""

    hits: int
    cases: int

    @property
    def rate(self) -> float | None:
        """Hits / cases, 0 to 1."""
        return self.hits / self.cases if self.cases else None


@dataclass(frozen=True)
class Probe:
    """The base measurements of a set of responses."""

    arithmetic: Share
    """Equations `a o b = c` that hold."""
    yes: Share
    """Checks of two equal numbers that say yes."""
    no: Share
    """Checks of two different numbers that say no."""
    attempts: float
    """Mean attempts a response, repeats included."""
    repeats: Share
    """Attempts that an earlier one of the same response had already made."""
    guess: Share
    """Responses without any check that were right."""
    search: Share
    """Responses with at least one check that were right."""

    def numbers(self) -> dict[str, float]:
        """The figures by name; a share without a case is left out."""
        shares = {
            name: getattr(self, name).rate
            for name in ("arithmetic", "yes", "no", "repeats", "guess", "search")
        }
        found = {"attempts": self.attempts, "search_gain": self.search_gain} | shares
        return {name: value for name, value in found.items() if value is not None}

    @property
    def search_gain(self) -> float | None:
        """How many times likelier a search is right than one guess: why RL lengthens responses, or not."""
        if not self.guess.rate or self.search.rate is None:
            return None
        return self.search.rate / self.guess.rate


def arithmetic(texts: Iterable[str]) -> Share:
    """Count the equations `a o b = c` (o one of + - *) that hold."""
    found = [match for text in texts for match in _EQUATION.findall(text)]
    return Share(sum(_holds(*match) for match in found), len(found))


def _holds(left: str, operation: str, right: str, value: str) -> bool:
    a, b = int(left), int(right)
    return {"+": a + b, "-": a - b, "*": a * b}[operation] == int(value)


def checks(texts: Iterable[str]) -> tuple[Share, Share]:
    """Count right verdicts of `check a vs b : yes|no`, either language: of equal pairs, then of unequal."""
    found = [match for text in texts for match in _CHECK.findall(text)]
    equal = [verdict in _YES for a, b, verdict in found if int(a) == int(b)]
    different = [verdict not in _YES for a, b, verdict in found if int(a) != int(b)]
    return Share(sum(equal), len(equal)), Share(sum(different), len(different))


def attempts(text: str) -> list[str]:
    """The attempts of one response in order, each as its equations: `["3 * 4 = 12 , 12 + 1 = 13"]`.

    Equations joined by a comma are one attempt; anything else between two equations starts the next.
    """
    found: list[str] = []
    end = -1
    for match in _EQUATION.finditer(text):
        if found and text[end : match.start()] == " , ":
            found[-1] += f" , {match[0]}"
        else:
            found.append(match[0])
        end = match.end()
    return found


def is_search(text: str) -> bool:
    """Whether a response checks anything; the others are guesses."""
    return _CHECK.search(text) is not None


def probe(texts: Sequence[str], right: Sequence[bool]) -> Probe:
    """Measure responses; `right[i]` is the verdict of the task's verifier on `texts[i]`."""
    tried = [attempts(text) for text in texts]
    yes, no = checks(texts)
    total = sum(map(len, tried))
    searches = [r for text, r in zip(texts, right, strict=True) if is_search(text)]
    guesses = [r for text, r in zip(texts, right, strict=True) if not is_search(text)]
    return Probe(
        arithmetic=arithmetic(texts),
        yes=yes,
        no=no,
        attempts=total / max(1, len(texts)),
        repeats=Share(total - sum(len(set(t)) for t in tried), total),
        guess=Share(sum(guesses), len(guesses)),
        search=Share(sum(searches), len(searches)),
    )
