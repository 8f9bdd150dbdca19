"""The embedded models' tokenizer loses nothing and keeps numbers whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1cli.nano.tokenizer import EOS, PAD, build


@pytest.fixture(scope="module")
def words() -> Any:
    return build()


def test_numbers_and_words_are_single_tokens(words: Any) -> None:
    assert words.encode(" 3 * 4 = 12").tokens == ["Ġ3", "Ġ*", "Ġ4", "Ġ=", "Ġ12"]
    assert words.encode("<think> wait , 等 </think>").tokens[0] == "<think>"
    assert len(words.encode(" check 13 vs 100 : no").ids) == 6
    assert len(words.encode(" 101").ids) == 4, "larger numbers are spelled: space and three digits"


def test_the_stop_token_is_the_first(words: Any) -> None:
    assert (words.token_to_id(EOS), words.token_to_id(PAD)) == (0, 1)


_WORDS = build()


@given(st.text(max_size=60))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    if EOS in text or PAD in text:
        return
    assert _WORDS.decode(_WORDS.encode(text).ids) == text


def test_saved_and_loaded_it_is_the_same(words: Any, tmp_path: Any) -> None:
    from transformers import AutoTokenizer

    from r1cli.stages.base import new_tokenizer

    new_tokenizer().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in (
        "User : make 13 from 3 4 1 . Assistant :",
        "Janet’s 16 eggs cost $2.50 — naïve? 42%",
        "等 , 错 了",
    ):
        assert loaded(text)["input_ids"] == words.encode(text).ids
        assert loaded.decode(loaded(text)["input_ids"]) == text
    assert (loaded.eos_token, loaded.pad_token) == (EOS, PAD)
