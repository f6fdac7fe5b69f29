"""The choice of the reference frame of a clip, whose camera is the origin."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...errors import ModelError


def choose_reference(summary: Tensor, strategy: str) -> int | Tensor:
    """The reference among N >= 3 frames from their class tokens [N,C]; ties go to the first frame. As a tensor without
    dimensions where it depends on the tokens, so that a graph of the network can choose, too.

    "saddle_balanced" takes the frame that is most ordinary in similarity to the others, in length and in spread;
    "saddle_sim_range" the one with the widest range of similarities. Computed in float32 whatever the weights are.
    Raises ModelError for an unknown strategy.
    """
    require_strategy(strategy)
    return STRATEGIES[strategy](summary.float())


def require_strategy(name: str) -> None:
    """Raises ModelError for a strategy that does not exist."""
    if name not in STRATEGIES:
        raise ModelError(f"no way to choose a reference frame is called {name!r}; known are {', '.join(STRATEGIES)}")


def _similarity(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Unit tokens [N,C], and the cosine between frames [N,N] with an empty diagonal.

    Exactly symmetric and empty, so that frames that tie do so whatever the rounding.
    """
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    likeness = unit @ unit.T
    diagonal = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    return unit, torch.where(diagonal, 0.0, (likeness + likeness.T) / 2)


def _most_balanced(tokens: Tensor) -> Tensor:
    unit, likeness = _similarity(tokens)
    measures = (likeness.sum(dim=1) / (len(unit) - 1), tokens.norm(dim=-1), unit.var(dim=-1))
    likeness_off, length_off, spread_off = ((_spread(measure) - 0.5).abs() for measure in measures)
    return (likeness_off + length_off + spread_off).argmin()


def _spread(measure: Tensor) -> Tensor:
    """From 0 for the least to 1 for the largest."""
    low, high = measure.min(), measure.max()
    return (measure - low) / (high - low + 1e-8)


def _widest_range(tokens: Tensor) -> Tensor:
    _, likeness = _similarity(tokens)
    return (likeness.amax(dim=1) - likeness.amin(dim=1)).argmax()


STRATEGIES: dict[str, Callable[[Tensor], int | Tensor]] = {
    "saddle_balanced": _most_balanced,
    "saddle_sim_range": _widest_range,
    "first": lambda tokens: 0,
    "middle": lambda tokens: len(tokens) // 2,
}
