"""What speaks against one pose, in words, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..types import Status
from .judge import HELD, JOIN, LENS, TURNED, load_judge
from .logistic import LogisticModel, standardised
from .witnesses import witness

LEAST = 0.5  # of log-odds; what takes less is what right poses have, too
MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Doubt:
    """A witness that speaks against a pose: its name and meaning, its value, and the log-odds that it takes."""

    name: str
    meaning: str
    value: float
    log_odds: float


def doubts_of_pose(witnesses: Mapping[str, float], status: str) -> list[Doubt]:
    """The witnesses of one pose that speak against it by themselves, most first; what is near it is not looked at.
    `status` is that of its frame."""
    known = {name: value for name, value in witnesses.items() if np.isfinite(value)}
    judge, columns = load_judge(), {name: np.array([value]) for name, value in known.items()}
    by_status = {Status.HELD.value: judge.models[HELD], Status.TURNED.value: judge.models[TURNED]}
    models = (by_status.get(status) or judge.moving_model(columns), judge.models[JOIN], judge.models[LENS])
    found = {doubt.name: doubt for model in models for doubt in _doubts(model, known)}
    return sorted(found.values(), key=lambda doubt: -doubt.log_odds)[:MOST_SAID]


def _doubts(model: LogisticModel, known: Mapping[str, float]) -> list[Doubt]:
    """Those of one model that take at least `LEAST`."""
    taken = {
        name: float(standardised(name, term.centre, term.spread, np.array([known[name]]))[0]) * (term.own + term.near)
        for name, term in model.terms.items()
        if name in known
    }
    return [Doubt(name, witness(name).meaning, known[name], much) for name, much in taken.items() if much >= LEAST]
