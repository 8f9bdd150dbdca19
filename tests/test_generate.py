"""The sampler against `model.generate` on a tiny random model, and its own promises."""

from typing import Any

import pytest
import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from r1cli.errors import UserError
from r1cli.stages.generate import _draw, sample

VOCAB, PAD, STOP = 40, 0, 1


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=PAD,
        eos_token_id=STOP,
        bos_token_id=None,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(config).eval()


PROMPTS = [[5, 6, 7], [8, 9], [5, 6, 7], [10, 11, 12, 13, 14], [15]]


def test_coldest_sampling_is_greedy_decoding(model: Any) -> None:
    got = sample(model, PROMPTS, stop=[STOP], pad=PAD, limit=20, temperature=1e-6)
    for prompt, tokens in zip(PROMPTS, got, strict=True):
        greedy = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            generation_config=GenerationConfig(
                max_new_tokens=20, do_sample=False, eos_token_id=STOP, pad_token_id=PAD
            ),
        )[0, len(prompt) :].tolist()
        assert tokens == greedy


def test_rows_end_at_their_stop_token_or_at_the_limit(model: Any) -> None:
    torch.manual_seed(0)
    rows = sample(model, PROMPTS * 20, stop=[STOP, 2, 3], pad=PAD, limit=12, temperature=2.0)
    assert len(rows) == 100
    lengths = {len(row) for row in rows}
    assert len(lengths) > 3, "ragged lengths are what the compaction is for"
    for row in rows:
        assert not {STOP, 2, 3} & set(row[:-1])
        assert len(row) == 12 or row[-1] in (STOP, 2, 3)


def test_dropping_rows_leaves_the_others_as_they_were(model: Any) -> None:
    # Greedy rows do not depend on which other rows share the batch, nor on when those leave it.
    alone = [sample(model, [p], stop=[STOP, 2, 3], pad=PAD, limit=30, temperature=1e-6)[0] for p in PROMPTS]
    together = sample(model, PROMPTS, stop=[STOP, 2, 3], pad=PAD, limit=30, temperature=1e-6)
    assert together == alone


def test_samples_follow_the_policy(model: Any) -> None:
    """First tokens of 4,000 samples against softmax(logits / T): total variation below 0.04."""
    torch.manual_seed(1)
    rows = sample(model, [[5, 6, 7]] * 4000, stop=[STOP], pad=PAD, limit=1, temperature=1.5)
    seen = torch.bincount(torch.tensor([r[0] for r in rows]), minlength=VOCAB) / 4000
    with torch.no_grad():
        want = torch.softmax(model(torch.tensor([[5, 6, 7]])).logits[0, -1] / 1.5, dim=-1)
    assert 0.5 * (seen - want).abs().sum() < 0.04


def test_a_token_without_probability_is_never_drawn() -> None:
    shares = torch.tensor([0.0, 0.25, 0.0, 0.75, 0.0])
    torch.manual_seed(2)
    drawn = _draw(shares.log().repeat(4000, 1), 1.0)[:, 0]
    assert set(drawn.tolist()) == {1, 3}
    # 1,000 of 4,000 expected; the standard deviation is sqrt(4000 * .25 * .75) = 27
    assert abs(int((drawn == 1).sum()) - 1000) < 4 * 27


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_model_is_an_error_and_no_text(bad: float) -> None:
    logits = torch.zeros(3, VOCAB)
    logits[1, 7] = bad
    with pytest.raises(UserError, match="diverged"):
        _draw(logits, 1.0)


def test_stop_request_returns_what_there_is(model: Any) -> None:
    asked = iter([False, False, True])
    rows = sample(
        model, [[5, 6]], stop=[], pad=PAD, limit=50, temperature=1.0, should_stop=lambda: next(asked)
    )
    assert len(rows[0]) == 3
