"""The nano tokenizer: every word and small number of the corpus is one token, everything else falls to bytes.

Numbers 0 to 100 are single tokens, so a sum is a table look-up and a check compares two tokens; with digits
split, no base of this size learned to check itself (verdicts about 90% right, weak on success). Nothing is
merged: a piece is either in the vocabulary or spelled in the 256 bytes, so any text round-trips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EOS = "<|endoftext|>"
PAD = "<|pad|>"
LARGEST_NUMBER = 100

_TAGS = "<think> </think> <answer> </answer>"
_MARKS = ". , : ? ! + - * / = ( )"
_WORDS = (
    "User Assistant make from let us try so check vs no yes wait that is not but wrong retry mistake again "
    "think hmm answer it ok next however error verify evaluate recheck maybe the a using"
)
_HAN = "先试查比不对等是但错了再想答好"

_PIECES = r" ?</?(?:think|answer)>| ?\p{Han}| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9\p{Han}]"
"""A tag, Chinese character, word, number or mark, each with the space before it."""


def build() -> Tokenizer:
    """Build it: EOS is 0, PAD is 1, then 256 bytes, then pieces with and without a space."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(), merges=[], ignore_merges=True))
    pieces = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (EOS, PAD)])
    return tokenizer


def _vocabulary() -> dict[str, int]:
    from tokenizers import pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    numbers = map(str, range(LARGEST_NUMBER + 1))
    pieces = [*_TAGS.split(), *_MARKS.split(), *_WORDS.split(), *_HAN, *numbers]
    spelled = (byte_level.pre_tokenize_str(space + piece) for piece in pieces for space in (" ", ""))
    texts = [EOS, PAD, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(parts[0][0] for parts in spelled)]
    # A bare mark is a byte already; dict.fromkeys keeps its first place.
    return {text: index for index, text in enumerate(dict.fromkeys(texts))}
