"""What submaps tell of their own scale: by the camera's height over the ground, and by a metric model.

`scale.camera_height` (auto, off, constant or metres) says whether heights are looked for and believed. A height in
metres is believed alone: then a metric model is not asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ..scale import (
    HeightDecision,
    HeightObservation,
    Refusal,
    camera_height,
    check_constant_height,
    height_observations,
    metric_scale,
)
from ..store import Scene, Submap
from ..types import ScaleObservation
from .arena import Arena
from .splitting import SubmapGeometry
from .update import Event

log = logging.getLogger(__name__)

Height = HeightObservation | Refusal
REQUESTED = HeightDecision(True, "asked for")


@dataclass
class CameraHeightPrior:
    """Ties the scale of submaps together by the camera's height over the ground, where that is constant."""

    mode: str | float  # auto, off, constant or metres
    heights: list[Height] = field(default_factory=list)  # of every submap
    decision: HeightDecision | None = None
    _arena: Arena = field(default_factory=Arena)

    def observe(self, parts: Sequence[SubmapGeometry]) -> tuple[Height, ...]:
        """Look for the ground in the parts of a window, which are the next submaps; their heights."""
        if self.mode == "off":
            return ()
        heights = tuple(self._copy(_find_height(part)) for part in parts)
        self.heights.extend(heights)
        return heights

    def decide(self, scene: Scene) -> list[Event]:
        """Decide whether the heights so far are used; a line for the journal where the decision changed."""
        if self.mode == "off":
            return []
        before, self.decision = self.decision, self._decision(scene)
        changed = before is None or before.on != self.decision.on
        return [Event("camera height", {"used": self.decision.on, "reason": self.decision.reason})] if changed else []

    def observations(self) -> list[ScaleObservation]:
        """The graph's priors by the last decision."""
        return height_observations(self.heights) if self.decision is not None and self.decision.on else []

    def metres_per_unit(self, height: float | None) -> float | None:
        """Metres in a unit of the world where the camera's height was given in metres, and is `height` units there."""
        if not isinstance(self.mode, float) or height is None:
            return None
        return self.mode / height

    def state(self) -> dict[str, Any]:
        """The decision, for `restore`."""
        return {} if self.decision is None else asdict(self.decision)

    def restore(self, state: dict[str, Any], heights: Iterable[dict[str, Any]]) -> None:
        """Go on from a state and the heights of all submaps until then, as `asdict` gives them."""
        self.heights = [self._copy(_unpack_height(height)) for height in heights]
        self.decision = HeightDecision(**state) if state else None

    def _copy(self, height: Height) -> Height:
        if isinstance(height, Refusal):
            return height
        return replace(height, rolls=self._arena.copy(height.rolls), pitches=self._arena.copy(height.pitches))

    def _decision(self, scene: Scene) -> HeightDecision:
        if self.mode != "auto":
            return REQUESTED
        return check_constant_height(self.heights, odometry_log_scales(scene.submaps))


@dataclass
class MetricScalePrior:
    """Ties the scale of submaps to metres by the depth of a metric model."""

    enabled: bool
    scales: list[ScaleObservation] = field(default_factory=list)

    def observe(self, submap_ids: Sequence[int], parts: Sequence[SubmapGeometry]) -> tuple[ScaleObservation, ...]:
        """The scales of those parts of a window whose model tells them. A failure never ends a run."""
        if not self.enabled:
            return ()
        found = (_metric_scale(submap, part) for submap, part in zip(submap_ids, parts, strict=True))
        scales = tuple(scale for scale in found if scale is not None)
        self.scales.extend(scales)
        return scales

    def restore(self, scales: Iterable[dict[str, Any]]) -> None:
        """Go on from all scales until then, as `asdict` gives them."""
        self.scales = [ScaleObservation(**scale) for scale in scales]


def odometry_log_scales(submaps: Sequence[Submap]) -> list[float]:
    """Log of world units in a unit of every submap: of a segment's first submap as it lies now, of the others by the
    alignments alone."""
    scales: list[float] = []
    for submap in submaps:
        if submap.previous is not None and submap.previous < len(scales):
            scales.append(scales[submap.previous] + float(np.log(submap.previous_per_unit)))
        else:
            scales.append(float(np.log(submap.world_from_window.scale)))
    return scales


def _unpack_height(height: dict[str, Any]) -> Height:
    if "reason" in height:
        return Refusal(**height)
    arrays = {name: np.array(height[name], np.float32) for name in ("rolls", "pitches")}
    return HeightObservation(**{**height, **arrays})


def _find_height(part: SubmapGeometry) -> Height:
    """The camera's height in a part; a failure is a refusal, and never ends a run."""
    try:
        return camera_height(part.geometry)
    except Exception as error:
        log.warning("the search for the ground failed: %s", error, exc_info=True)
        return Refusal(f"the search for the ground failed: {error}")


def _metric_scale(submap: int, part: SubmapGeometry) -> ScaleObservation | None:
    try:
        scale = metric_scale(part.geometry, submap)
    except Exception as error:
        log.warning("node %d's own scale could not be judged: %s", submap, error, exc_info=True)
        return None
    return None if isinstance(scale, Refusal) else scale
