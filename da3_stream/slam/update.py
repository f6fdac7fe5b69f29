"""What a step of the SLAM system returns: the values from which a session writes and commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..posegraph import Edge
from ..predictors.scheduler import WindowPrediction
from ..scale import HeightObservation, Refusal
from ..store import Scene, SubmapFrames
from ..types import ScaleObservation, WindowGeometry


@dataclass(frozen=True)
class Event:
    """One line of the journal: its kind and its fields."""

    kind: str
    fields: dict[str, Any]


@dataclass(frozen=True, eq=False)
class AddedSubmap:
    """A submap that a window left in the map: its id, its geometry, and what was stored of it.

    `metres_per_unit` is the length of one unit of the submap when it was added, None in a run without metres.
    """

    submap_id: int
    geometry: WindowGeometry
    frames: SubmapFrames
    metres_per_unit: float | None


@dataclass(frozen=True, eq=False)
class ScaleUpdate:
    """What the submaps of one window tell of their own scale, by camera height and by a metric model."""

    heights: tuple[HeightObservation | Refusal, ...] = ()  # one for each submap, where heights are looked for
    metric: tuple[ScaleObservation, ...] = ()


@dataclass(frozen=True, eq=False)
class WindowUpdate:
    """All that one window taught the system; `scene` is the map after it."""

    prediction: WindowPrediction
    submaps: tuple[AddedSubmap, ...]
    edges: tuple[Edge, ...]  # alignments, then loops, then keyframe windows
    scale: ScaleUpdate
    events: tuple[Event, ...]
    scene: Scene


@dataclass(frozen=True, eq=False)
class FinalUpdate:
    """What was settled after the last window: the last loops, the scene of the last optimization, and what its submaps
    tell of their own scale."""

    events: tuple[Event, ...]
    scene: Scene
    scales: tuple[ScaleObservation, ...] = ()
