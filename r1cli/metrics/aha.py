"""Reflection words in a reasoning: the two published lists, counted as whole words.

How often a word occurs says nothing about whether it helped (oat-zero's "superficial self-reflection"), so
rates are logged apart for correct and incorrect responses, and from the untrained policy on.
"""

import re
from collections import Counter
from collections.abc import Sequence

VERSION = "1"
"""Raised whenever a list or the way of counting changes: figures of different versions do not compare."""

STRICT: tuple[str, ...] = (
    "recheck",
    "rethink",
    "reassess",
    "reevaluate",
    "re-evaluate",
    "reevaluation",
    "re-examine",
    "reexamine",
    "reconsider",
    "reanalyze",
    "double-check",
    "check again",
    "think again",
    "verify again",
    "go over the steps",
)
"""The pool of Dr. GRPO (arXiv 2503.20783): "wait" and "try again" were left out there as false positives."""

DEEPSEEK: tuple[str, ...] = (
    "wait",
    "mistake",
    "however",
    "but",
    "retry",
    "error",
    "verify",
    "wrong",
    "evaluate",
    "check",
)
"""The words of DeepSeek-R1 v2, Extended Data Fig. 1; "but" and "check" are common in plain prose, too."""

PHRASE: tuple[str, ...] = ("aha",)
"""The word that gave the moment its name."""

# Letters and digits of Latin script: `\w` would take an adjoining Chinese character for a part of the word.
# All that is not a word is one token per character, so that a phrase is not found across a comma.
_LETTER = r"0-9a-z_\u00df-\u00f6\u00f8-\u024f"
_TOKEN = re.compile(rf"[{_LETTER}]+(?:-[{_LETTER}]+)*|\S")
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})


def count(text: str, words: Sequence[str]) -> dict[str, int]:
    """Occurrences of each word or phrase, case-insensitive; one that does not occur maps to 0.

    Whole words only: "checks" is no "check", and a hyphenated compound is a word of its own, so "re-evaluate"
    is no "evaluate" and "double-check" no "check". A dash is no hyphen: "no--wait" holds "wait". Between the
    words of a phrase stands white space and nothing else.
    """
    tokens = _TOKEN.findall(text.lower().translate(_HYPHENS))
    single = Counter(tokens)
    return {word: single[word] if " " not in word else _phrases(tokens, word.split()) for word in words}


def _phrases(tokens: list[str], phrase: list[str]) -> int:
    starts = (i for i, token in enumerate(tokens) if token == phrase[0])
    return sum(tokens[i : i + len(phrase)] == phrase for i in starts)
