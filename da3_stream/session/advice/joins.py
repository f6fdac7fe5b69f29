"""Joins of submaps that are more likely wrong than right: the map may bend or change its scale there."""

from __future__ import annotations

from ...store import BELIEVED, Scene
from ...types import Advice, AdviceCode

TEXT = (
    "two windows were joined here, but they disagree: direction or scale of the map may change; more texture, slower "
    "motion or a larger windows.overlap would help"
)


def doubtful_joins(scene: Scene) -> list[Advice]:
    """A row for every such join, over the frames that the two submaps share."""
    found = []
    for submap in scene.submaps:
        if submap.previous is not None and submap.join_confidence < BELIEVED:
            first, last = submap.frames[0], scene.submaps[submap.previous].frames[1]
            found.append(Advice(AdviceCode.JOIN_DOUBTFUL, TEXT, min(first, last), max(first, last)))
    return found
