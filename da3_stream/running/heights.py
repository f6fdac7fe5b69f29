"""The scale that a camera's height over the ground ties windows to, from `scale.camera_height`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..scale import HeightObservation, Refusal, Verdict, camera_height, height_observations, judge_heights
from ..store import Scene
from ..types import ScaleObservation
from .placement import Event, Part

ON = Verdict(True, "asked for")


@dataclass
class Heights:
    """What the nodes of a run say of the camera's height, and whether that counts."""

    wanted: str | float  # auto, off, constant or metres
    found: list[HeightObservation | Refusal] = field(default_factory=list)  # of every node
    verdict: Verdict = Verdict(False, "no window was seen yet")

    def add(self, parts: Sequence[Part]) -> None:
        """Look at the parts of a window, which are the next nodes."""
        if self.wanted != "off":
            self.found.extend(camera_height(part.geometry) for part in parts)

    def observations(self, scene: Scene) -> tuple[list[ScaleObservation], list[Event]]:
        """What the graph may know now, and a line for the journal where the verdict turned."""
        if self.wanted == "off":
            return [], []
        verdict = self._judged(scene)
        turned = (verdict.on, not self.found) != (self.verdict.on, False) or len(self.found) == 1
        self.verdict = verdict
        events = [Event("camera height", {"used": verdict.on, "reason": verdict.reason})] if turned else []
        return (height_observations(self.found) if verdict.on else []), events

    def metres_per_unit(self, height: float | None) -> float | None:
        """Metres in a unit of the world where the camera's height in metres was given, and is `height` units there."""
        if not isinstance(self.wanted, float) or height is None:
            return None
        return self.wanted / height

    def _judged(self, scene: Scene) -> Verdict:
        if self.wanted != "auto":
            return ON
        log_scales = [float(np.log(node.world_from_window.scale)) for node in scene.nodes]
        return judge_heights(self.found, log_scales)
