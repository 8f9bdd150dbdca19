"""Muon for the matrices of the layers, AdamW for the rest, behind the interface of one optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import AdamW, Muon, Optimizer


class MuonAdamW(Optimizer):
    """Both step together; their parameter groups are shared, so a scheduler moves both rates in proportion.

    Muon (Jordan et al. 2024) takes the 2-D weights inside the layers, scaled to the update size of AdamW
    (Liu et al. 2025, arXiv 2502.16982); embeddings, the tied head and norms go to AdamW.
    """

    def __init__(self, model: torch.nn.Module, learning_rate: float, matrix_learning_rate: float) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        embeddings = {id(p) for p in model.get_input_embeddings().parameters()}  # type: ignore[operator]
        matrices = [p for _, p in named if p.ndim == 2 and id(p) not in embeddings]
        others = [p for _, p in named if p.ndim != 2 or id(p) in embeddings]
        self.parts: tuple[Optimizer, Optimizer] = (
            Muon(matrices, lr=matrix_learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
        )
        super().__init__([p for _, p in named], {})
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of each; a closure is evaluated once."""
        loss = closure() if closure is not None else None
        for part in self.parts:
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of both."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The states of both, in order."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]
