"""The scale that a camera's height over the ground ties windows to, from `scale.camera_height`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ..scale import HeightObservation, Refusal, Verdict, camera_height, height_observations, judge_heights
from ..store import Scene, Submap
from ..types import ScaleObservation
from .arena import Arena
from .splitting import SubmapGeometry
from .update import Event

log = logging.getLogger(__name__)

ON = Verdict(True, "asked for")


@dataclass
class CameraHeightPrior:
    """What the submaps of a run say of the camera's height, and whether that counts."""

    mode: str | float  # auto, off, constant or metres
    found: list[HeightObservation | Refusal] = field(default_factory=list)  # of every submap
    verdict: Verdict | None = None
    _told: int = 0  # of those found, that `news` gave
    _shelf: Arena = field(default_factory=Arena)

    def news(self) -> list[dict[str, Any]]:
        """What was found since this was last asked, for `restore`."""
        fresh, self._told = self.found[self._told :], len(self.found)
        return [asdict(one) for one in fresh]

    def state(self) -> dict[str, Any]:
        """The verdict, for `restore`."""
        return {} if self.verdict is None else asdict(self.verdict)

    def restore(self, state: dict[str, Any], news: Iterable[dict[str, Any]]) -> None:
        """Go on from a state and all news until then."""
        self.found, self.verdict = [self._shelved(_read(one)) for one in news], Verdict(**state) if state else None
        self._told = len(self.found)

    def add(self, parts: Sequence[SubmapGeometry]) -> None:
        """Look at the parts of a window, which are the next submaps."""
        if self.mode != "off":
            self.found.extend(self._shelved(_height(part)) for part in parts)

    def judge(self, scene: Scene) -> list[Event]:
        """Decide whether what was found counts; a line for the journal where the verdict turned."""
        if self.mode == "off":
            return []
        before, self.verdict = self.verdict, self._judged(scene)
        turned = before is None or before.on != self.verdict.on
        return [Event("camera height", {"used": self.verdict.on, "reason": self.verdict.reason})] if turned else []

    def observations(self) -> list[ScaleObservation]:
        """What the graph may know by the last verdict."""
        return height_observations(self.found) if self.verdict is not None and self.verdict.on else []

    def metres_per_unit(self, height: float | None) -> float | None:
        """Metres in a unit of the world where the camera's height in metres was given, and is `height` units there."""
        if not isinstance(self.mode, float) or height is None:
            return None
        return self.mode / height

    def _shelved(self, one: HeightObservation | Refusal) -> HeightObservation | Refusal:
        if isinstance(one, Refusal):
            return one
        return replace(one, rolls=self._shelf.copy(one.rolls), pitches=self._shelf.copy(one.pitches))

    def _judged(self, scene: Scene) -> Verdict:
        if self.mode != "auto":
            return ON
        return judge_heights(self.found, chained_log_scales(scene.submaps))


def _read(one: dict[str, Any]) -> HeightObservation | Refusal:
    if "reason" in one:
        return Refusal(**one)
    return HeightObservation(**{**one, **{name: np.array(one[name], np.float32) for name in ("rolls", "pitches")}})


def _height(part: SubmapGeometry) -> HeightObservation | Refusal:
    """A failure is a refusal: it never ends a run."""
    try:
        return camera_height(part.geometry)
    except Exception as error:
        log.warning("the search for the ground failed: %s", error, exc_info=True)
        return Refusal(f"the search for the ground failed: {error}")


def chained_log_scales(submaps: Sequence[Submap]) -> list[float]:
    """Log of world units in a unit of every submap: of a segment's first submap as it lies now, of the others by the
    alignments alone."""
    scales: list[float] = []
    for submap in submaps:
        if submap.previous is not None and submap.previous < len(scales):
            scales.append(scales[submap.previous] + float(np.log(submap.previous_per_unit)))
        else:
            scales.append(float(np.log(submap.world_from_window.scale)))
    return scales
