"""The judge of windows: all witnesses of a pose become one probability that it is right, and from that its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Status, WindowGeometry
from .depth import DepthViews, depth_witnesses, median_depths
from .logistic import REACH, IsotonicMap, LogisticModel
from .path import path_witnesses

Array = NDArray[np.float64]

COEFFICIENTS = Path(__file__).with_name("coefficients.json")
MOVING, PLAIN, HELD, TURNED, JOIN, LENS = "moving", "plain", "held", "turned", "join", "lens"
BELIEVED = 0.5  # poses of less are more likely wrong than right
WEAK_SHARE = 0.1  # of the poses that may be doubted in a window that is OK


@dataclass(frozen=True)
class Judge:
    """Logistic models by name: of a camera that moves (`moving`; `plain` where the predictor gives no witnesses of its
    own), that stands (`held`), that only turns (`turned`), of the join of two submaps (`join`), and of what the images
    say of the lens (`lens`). As the least of several probabilities is no longer one, `final` maps it for a camera that
    moves and has witnesses of its own."""

    models: Mapping[str, LogisticModel]
    final: IsotonicMap = IsotonicMap()

    @staticmethod
    def from_json(tree: Mapping[str, Any]) -> Judge:
        """The judge of a file of coefficients."""
        models = {name: LogisticModel.from_json(model) for name, model in tree["models"].items()}
        return Judge(models, IsotonicMap.from_json(tree["final"]))

    def to_json(self) -> dict[str, Any]:
        """Inverse of `from_json`."""
        models = {name: model.to_json() for name, model in self.models.items()}
        return {"models": models, "final": self.final.to_json()}

    def judge(self, window: WindowGeometry) -> WindowGeometry:
        """The window with all its witnesses, the probability of every pose, and the status that follows from them."""
        if window.status is Status.FAILED:
            return replace(window, pose_confidence=np.zeros(len(window.frame_indices)))
        witnesses = {**window_witnesses(window), **window.witnesses}
        confident = self.confidence(witnesses, statuses(window), parts(window))
        doubtful = bool(np.isfinite(witnesses.get("view_share", np.nan)).any())
        if len(confident) == 1 and not doubtful:  # the only pose of a window is where it is by definition
            confident = np.maximum(confident, BELIEVED)
        confident = np.where(window.has_pose, confident, 0.0)
        return with_confidence(replace(window, witnesses=witnesses), confident)

    def confidence(
        self, witnesses: Mapping[str, Array], status: tuple[Status, ...], part: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Probability [N] that each pose is right; `part` [N] numbers what the predictor holds together.

        Near a join no pose is surer than the join, and none that moves is surer than the lens it was found with: a
        wrong lens bends a path in which tracks and depth agree, so other witnesses must not outvote it.
        """
        moving = self.moving_model(witnesses)
        by_status = {Status.HELD: self.models[HELD], Status.TURNED: self.models[TURNED]}
        models = [by_status.get(of_row, moving) for of_row in status]
        out = np.zeros(len(part))
        for model in {id(model): model for model in models}.values():
            rows = np.array([of_row is model for of_row in models])
            out[rows] = model.probability(witnesses, part)[rows]
        moves = np.array([of_row not in by_status for of_row in status])
        by_lens = np.where(moves, self._of_lens(witnesses, part), 1.0)
        least = np.minimum.reduce([out, self._near_joins(witnesses, part), by_lens])
        return np.where(moves, self.final(least), least) if moving is self.models[MOVING] else least

    def join_confidence(self, witnesses: Mapping[str, float]) -> float:
        """Probability that two submaps lie to each other as their alignment says."""
        values = {name: np.array([value]) for name, value in witnesses.items()}
        return float(self.final(self.models[JOIN].probability(values, np.zeros(1, np.int64)))[0])

    def _of_lens(self, witnesses: Mapping[str, Array], part: NDArray[np.int64]) -> Array:
        """The probability [N] that each pose is right as far as the lens goes, 1 where the images say nothing of it."""
        model = self.models[LENS]
        told = np.any([np.isfinite(witnesses[name]) for name in model.terms if name in witnesses], axis=0)
        return np.where(told, model.probability(witnesses, part), 1.0)

    def _near_joins(self, witnesses: Mapping[str, Array], part: NDArray[np.int64]) -> Array:
        """The probability [N] of the join that each row is near to, 1 elsewhere: rows that have the join's witnesses,
        and those before them in the part that is joined."""
        model = self.models[JOIN]
        columns = [witnesses[name] for name in model.terms if name in witnesses]
        near = np.any(np.isfinite(columns), axis=0) if columns else np.zeros(len(part), bool)
        out = np.where(near, model.probability(witnesses, part), 1.0) if near.any() else np.ones(len(part))
        for first in np.flatnonzero(near[1:] & (np.diff(part) != 0)) + 1:
            before = slice(max(0, first - REACH), first)
            out[before] = np.minimum(out[before], out[first])
        return out

    def moving_model(self, witnesses: Mapping[str, Array]) -> LogisticModel:
        """`moving` where the predictor gave a witness that only that model knows."""
        moving, plain = self.models[MOVING], self.models[PLAIN]
        own = set(moving.terms) - set(plain.terms)
        given = any(np.isfinite(witnesses[name]).any() for name in own & set(witnesses))
        return moving if given else plain


@cache
def load_judge(path: Path = COEFFICIENTS) -> Judge:
    """The judge with the coefficients of a file, those of the package if none is named."""
    return Judge.from_json(json.loads(path.read_text()))


def window_witnesses(window: WindowGeometry) -> dict[str, Array]:
    """The witnesses [N] that any window gives, whichever predictor it is from."""
    numbers = parts(window)
    stretches = [_part_witnesses(window, np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
    return {name: np.concatenate([stretch[name] for stretch in stretches]) for name in stretches[0]}


def parts(window: WindowGeometry) -> NDArray[np.int64]:
    """The part [N] of the window that every row belongs to: breaks begin new ones."""
    starts = np.zeros(len(window.frame_indices), np.int64)
    starts[[row for row in window.breaks if 0 < row < len(starts)]] = 1
    return np.cumsum(starts)


def statuses(window: WindowGeometry) -> tuple[Status, ...]:
    """The status of every frame."""
    return window.frame_status or (window.status,) * len(window.frame_indices)


def with_confidence(window: WindowGeometry, confident: Array) -> WindowGeometry:
    """The window with these probabilities [N], and with the status that follows: a pose that is more likely wrong than
    right is WEAK, and so is a window with too many of them. What stands, turns or failed stays what it is."""
    before = statuses(window)
    after = tuple(_status(was, value) for was, value in zip(before, confident, strict=True))
    doubted = float(np.mean(confident < BELIEVED)) if len(confident) else 0.0
    status = Status.WEAK if window.status is Status.OK and doubted > WEAK_SHARE else window.status
    same = all(of_row is status for of_row in after)
    return replace(window, pose_confidence=confident, frame_status=() if same else after, status=status)


def _status(was: Status, confident: float) -> Status:
    if was not in (Status.OK, Status.WEAK):
        return was
    return Status.OK if confident >= BELIEVED else Status.WEAK


def _part_witnesses(window: WindowGeometry, rows: NDArray[np.int64]) -> dict[str, Array]:
    """Of consecutive rows, in the order of the window; rows without a camera know nothing."""
    known = rows[window.has_camera[rows]]
    poses = window.window_from_camera[known]
    views = DepthViews(window.depth, window.confidence, window.intrinsics[known], poses, known)
    found = {**path_witnesses(poses, median_depths(views)), **depth_witnesses(views)}
    return {name: _spread_out(values, known - rows[0], len(rows)) for name, values in found.items()}


def _spread_out(values: Array, rows: NDArray[np.int64], count: int) -> Array:
    out = np.full(count, np.nan)
    out[rows] = values
    return out
