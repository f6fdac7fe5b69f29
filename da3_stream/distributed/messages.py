"""What goes to an actor, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..types import WindowGeometry

LogLine = tuple[str, int, str]  # name of the logger, level, text
Places = tuple[tuple[int, int], ...]  # where each frame is: which of the chunks, and which row of it


@dataclass(frozen=True)
class Description:
    """What does not change about a predictor, as its first actor tells it."""

    name: str
    hash: str | None
    is_metric: bool
    gives_descriptors: bool
    gives_gaussians: bool
    window_size: int
    window_overlap: int
    image_side: int | None
    in_flight: int
    learns: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Learnt:
    """A predictor's state, numbered: 0 is that of a new predictor, or of one that goes on from a checkpoint."""

    version: int = 0
    state: Any = None


@dataclass(frozen=True)
class Request:
    """A prediction to be made of frames in chunks that come beside it.

    A `window` was announced and teaches the predictor, if it still `learns`; else it is a look at frames beside the
    windows, of two places where `split` says with which row the second begins. `version` is that of the state it
    must be made with, which comes along in `learnt` where the actor has another.
    """

    places: Places
    window: bool
    split: int | None = None
    learns: bool = False
    wants_state: bool = False
    version: int = 0
    learnt: Learnt | None = None


@dataclass(frozen=True)
class Outcome:
    """The geometry of a request, or what the predictor raised; and what it knows, took and said until then.

    `seconds` are those of CPU that the actor's own thread took, `timings` the predictor's by kind of work since it was
    made; a `state` comes where it was asked for.
    """

    geometry: WindowGeometry | None
    error: Exception | None
    state: Any = None
    learns: bool = False
    camera: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    log: tuple[LogLine, ...] = ()
