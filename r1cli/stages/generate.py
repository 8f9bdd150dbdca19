"""Plain sampling with transformers models: the engine for rollouts without vLLM, and for evaluation.

Differs from `model.generate` in three ways that matter when lengths are ragged (a guess of 20 tokens beside a
search of 250), measured in docs/results.md:
1. rows that have stopped leave the batch, their keys and values with them;
2. equal prompts are read once, their cache is shared out over the group;
3. nothing is applied to the logits but the temperature, so the sampled distribution is the policy's own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from r1cli.errors import UserError

# Dropping rows copies the cache of those that stay; below this share of stopped rows the copy costs more
# than it saves.
_COMPACT_AT = 0.12

Tokens = list[int]


@torch.no_grad()
def sample(
    model: Any,
    prompts: Sequence[Tokens],
    *,
    stop: Sequence[int],
    pad: int,
    limit: int,
    temperature: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Tokens]:
    """One completion for each prompt, in order; a completion ends with its stop token unless `limit` cut it.

    Uses torch's global generator: seed it, or fork it, outside. `should_stop` is asked once a token; when it
    says yes the completions are returned as they are.
    """
    device = next(model.parameters()).device
    unique, of = _unique(prompts)
    ids, mask = _left_pad(unique, pad, device)
    cache = DynamicCache(config=model.config)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    logits = _forward(model, ids, mask, positions, cache)
    rows, share = len(prompts), torch.tensor(of, device=device)
    owner = torch.arange(rows, device=device)
    cache.batch_select_indices(share)
    mask, logits, last = mask[share], logits[share], positions[share, -1:]
    written = torch.full((rows, limit), pad, device=device)
    lengths = torch.full((rows,), limit, device=device)
    stops = torch.tensor(list(stop), device=device)
    alive = torch.ones(rows, dtype=torch.bool, device=device)

    for t in range(limit):
        token = _draw(logits, temperature)
        written[owner[alive], t] = token[alive, 0]
        ended = alive & torch.isin(token[:, 0], stops)
        lengths[owner[ended]] = t + 1
        alive = alive & ~ended
        living = int(alive.sum())
        if living == 0 or t + 1 == limit or should_stop():
            lengths[owner[alive]] = t + 1
            break
        if living <= (1 - _COMPACT_AT) * len(alive):
            keep = alive.nonzero()[:, 0]
            cache.batch_select_indices(keep)
            owner, mask, token = owner[keep], mask[keep], token[keep]
            last, alive = last[keep], alive[keep]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        last = last + 1
        logits = _forward(model, token, mask, last, cache)

    return [row[:n].tolist() for row, n in zip(written.cpu(), lengths.tolist(), strict=True)]


def _draw(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """One token for each row, shape (B, 1), with the probabilities softmax(logits / temperature)."""
    shares = torch.softmax(logits.float() / temperature, dim=-1)
    if shares[:, 0].isnan().any():  # one NaN or infinity makes its whole row NaN
        raise UserError(
            "the model's outputs are not numbers any more: it has diverged.",
            "Start again with a smaller stage.learning_rate.",
        )
    if shares.device.type != "cpu":
        return torch.multinomial(shares, 1)
    # On a CPU, multinomial makes a number for every entry of the vocabulary, 14-26% of a token's time
    # with the embedded model. Here one number for each row says where in the cumulated shares to look.
    upto = shares.cumsum(-1, dtype=torch.float64)
    where = torch.rand(len(upto), 1, dtype=torch.float64) * upto[:, -1:]
    return torch.searchsorted(upto, where, right=True).clamp(
        max=upto.shape[1] - 1
    )  # the product may round up


def _forward(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any
) -> torch.Tensor:
    """Logits of the last position, shape (B, V); `cache` grows in place."""
    out = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    logits: torch.Tensor = out.logits[:, -1]
    return logits


def _unique(prompts: Sequence[Tokens]) -> tuple[list[Tokens], list[int]]:
    """The different prompts, and for each given prompt the index of its own among them."""
    seen: dict[tuple[int, ...], int] = {}
    of = [seen.setdefault(tuple(p), len(seen)) for p in prompts]
    return [list(p) for p in seen], of


def _left_pad(prompts: Sequence[Tokens], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both (B, longest), padded on the left so that all rows end together."""
    longest = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    return ids, mask
