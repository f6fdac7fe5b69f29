"""What is settled before the first window: input, predictor, window plan, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError
from ..frames import FrameSource, Gate, GateMode, make_gate, open_source
from ..loops import MakeExtractor, choose_extractor
from ..predictors import choose_model, image_side, make_predictor
from ..settings import Settings
from ..store import Scene
from ..types import Predictor

DEFAULT_WINDOW, DEFAULT_OVERLAP = 60, 12


@dataclass(frozen=True, eq=False)
class Job:
    """Everything that a run is about to use. `let_go` ends a predictor that was made for it (again: no harm)."""

    source: FrameSource
    gate: Gate
    settings: Settings
    predictor: Predictor
    describer: MakeExtractor | None
    window_size: int
    window_overlap: int
    scene: Scene
    let_go: Callable[[], None]


@contextmanager
def open_job(source: Any, settings: Settings, predictor: Predictor | None) -> Iterator[Job]:
    """Open the input and settle what can be refused at once.

    Raises Da3StreamError with one sentence. A predictor made here is closed at the end; one that was given is not.
    """
    given = predictor is not None
    with ExitStack() as stack:
        if predictor is None:
            choice = choose_model(settings.model)
            frames = open_source(source, settings.frames, image_side(settings, choice))
            predictor = make_predictor(choice, settings, frames.size, frames.focal_px)
            stack.callback(getattr(predictor, "close", _nothing))
        else:
            frames = open_source(source, settings.frames, image_side(settings, predictor))
        describer = choose_extractor(settings.loops, bool(getattr(predictor, "gives_descriptors", False)))
        size, overlap = window_plan(settings, predictor)
        gate = make_gate(gate_mode(settings, frames, given), settings.frames)
        scene = first_scene(settings, predictor)
        yield Job(frames, gate, settings, predictor, describer, size, overlap, scene, stack.close)


def gate_mode(settings: Settings, source: FrameSource, predictor_given: bool) -> GateMode:
    """What the settings say; where they leave it open, arrays and given predictors get every frame."""
    if settings.frames.gate is not None:
        return settings.frames.gate
    return "off" if predictor_given or source.kind == "arrays" else "auto"


def window_plan(settings: Settings, predictor: Predictor) -> tuple[int, int]:
    """Size and overlap of windows: from the settings, else the predictor's own, else 60 and 12.

    Raises SettingsError if they do not go together.
    """
    size = settings.windows.size or int(getattr(predictor, "window_size", DEFAULT_WINDOW))
    overlap = settings.windows.overlap or int(getattr(predictor, "window_overlap", DEFAULT_OVERLAP))
    if overlap >= size:
        raise SettingsError(f"windows.overlap ({overlap}) must be below windows.size ({size}): set both of them")
    return size, overlap


def first_scene(settings: Settings, predictor: Predictor) -> Scene:
    """An empty scene in the run's units. Raises SettingsError for `cloud.voxel_m` where nothing tells metres."""
    scale, is_metric = settings.scale, bool(getattr(predictor, "is_metric", False))
    if settings.cloud.voxel_m is not None and not (is_metric or scale.factor or scale.path_length_m):
        raise SettingsError(
            f"cloud.voxel_m needs metres, which {predictor_name(predictor)} does not know: give --scale or "
            "--path-length-m, or use cloud.voxel, a share of the median depth (default 0.01)"
        )
    if scale.factor is not None:
        return Scene("metres", scale.factor)
    return Scene("metres" if is_metric else "relative")


def predictor_name(predictor: Predictor) -> str:
    """The name that a predictor gives itself, else that of its class."""
    return str(getattr(predictor, "name", type(predictor).__name__))


def identity(job: Job) -> dict[str, str]:
    """What tells a run from those of another input or another model."""
    source, predictor = job.source, job.predictor
    width, height = source.size
    return {
        "input": f"{source.expected or 'some'} {source.kind} of {width}x{height}, digest {source.digest}",
        "model": " ".join([predictor_name(predictor), *filter(None, [getattr(predictor, "hash", None)])]),
        "window plan": f"{job.window_size} frames, {job.window_overlap} shared",
    }


def facts(predictor: Predictor) -> dict[str, Any]:
    """What a predictor says of what it computes with, ready for JSON."""
    return dict(getattr(predictor, "facts", {}))


def _nothing() -> None:
    """What a predictor without `close` does."""
