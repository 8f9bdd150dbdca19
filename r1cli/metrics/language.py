"""Language consistency of a reasoning: the share of words in the target language's script.

DeepSeek-R1 eq. 7 is Num(words in target language) / Num(words). Scripts tell Chinese from English with no
model and no download (0.02 ms a text, where lingua missed the Chinese of a mixed text); they cannot tell
French from English.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from r1cli.errors import unknown

SCRIPTS: dict[str, frozenset[str]] = {
    "en": frozenset({"latin"}),
    "zh": frozenset({"han"}),
    "ja": frozenset({"han", "kana"}),
    "ko": frozenset({"hangul"}),
    "ru": frozenset({"cyrillic"}),
}
"""Target language -> scripts that are its own."""


class Word(NamedTuple):
    """One word and the script it is written in."""

    text: str
    script: str


# Mathematics and code are written alike in every language. `$…$` follows pandoc's rule (no space inside the
# signs, no digit behind), or "it costs $80 and then $50" would lose its words. Bounded, so that no input is
# quadratic.
_NOT_WORDS = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]{1,500}`"
    r"|\$\$.{1,1000}?\$\$|\\\[.{1,1000}?\\\]|\\\(.{1,1000}?\\\)"
    r"|\$(?!\s)[^$\n]{1,500}?(?<!\s)\$(?!\d)"
    r"|\\begin\{(\w{1,20})\*?\}.{1,1000}?\\end\{\1\*?\}"
    r"|\\(?:boxed|frac|sqrt|mathrm|mathbf)\{[^{}\n]{0,200}\}(?:\{[^{}\n]{0,200}\})?|\\[A-Za-z]+"
    r"|</?\w+>",
    re.DOTALL,
)

_HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
_KANA = r"\u3041-\u309f\u30a1-\u30ff"
_WORD = re.compile(
    rf"(?P<han>[{_HAN}])|(?P<kana>[{_KANA}])"
    r"|(?P<latin>[A-Za-z\u00aa-\u024f\u1e00-\u1eff]+(?:['\u2019-][A-Za-z\u00aa-\u024f\u1e00-\u1eff]+)*)"
    r"|(?P<cyrillic>[\u0400-\u052f]+)|(?P<hangul>[\uac00-\ud7a3]+)"
    rf"|(?P<other>(?:(?![A-Za-z\u00aa-\u024f{_HAN}{_KANA}])[^\W\d_])+)"
)
_ONE_LETTER_WORDS = frozenset({"a", "A", "I"})


def words(text: str) -> list[Word]:
    """The words of a text: a run of letters is one word, a Chinese or Japanese character is one word.

    Left out: digits, LaTeX, code, tags, and single Latin letters other than "a" and "I", which are variables.
    """
    plain = unicodedata.normalize("NFKC", _NOT_WORDS.sub(" ", text))
    return list(_words(plain))


def consistency(text: str, target: str = "en") -> float | None:
    """Share of words in the scripts of the `target` language, 0 to 1; None when the text has no words at all.

    None and not 1: a reasoning of bare formulas must not count as perfectly consistent.
    """
    if target not in SCRIPTS:
        raise unknown("language", target, SCRIPTS)
    found = words(text)
    if not found:
        return None
    return sum(word.script in SCRIPTS[target] for word in found) / len(found)


def _words(plain: str) -> Iterator[Word]:
    for match in _WORD.finditer(plain):
        word, script = match.group(), match.lastgroup or "other"
        if script != "latin" or len(word) > 1 or word in _ONE_LETTER_WORDS:
            yield Word(word, script)
