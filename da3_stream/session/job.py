"""What is decided before the first window: input, predictor, size of windows, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import SettingsError
from ..frames import FrameSource, Gate, GateMode, make_gate, open_source, shared_frames
from ..loops import MakeExtractor, choose_extractor
from ..predictors.adapter import PredictorAdapter
from ..predictors.engine import Engine, GivenRecipe, LocalEngine, Recipe
from ..predictors.factory import ModelRecipe
from ..predictors.model_choice import ResolvedModel, choose_model, without_gaussians
from ..settings import Settings
from ..stopwatch import Stopwatch
from ..store import Scene
from ..types import Predictor


@dataclass(frozen=True, eq=False)
class Job:
    """All that a run is going to use. `close_predictor` closes a predictor that was made for it (again: no harm)."""

    source: FrameSource
    gate: Gate
    settings: Settings
    predictor: PredictorAdapter
    extractor: MakeExtractor | None
    window_size: int
    window_overlap: int
    scene: Scene
    close_predictor: Callable[[], None]
    watch: Stopwatch = field(default_factory=Stopwatch)


@contextmanager
def open_job(
    source: Any,
    settings: Settings,
    predictor: Predictor | None,
    model: ResolvedModel | None = None,
    watch: Stopwatch | None = None,
    engine: Engine | None = None,
) -> Iterator[Job]:
    """Open the input and the predictor, and refuse at once what cannot work together.

    `model` is that of the settings, where it is resolved already; `engine` has the predictor (None: this process).

    Raises Da3StreamError with one sentence. A predictor made here is closed at the end; one that was given is not.
    """
    with ExitStack() as stack:
        if predictor is None:
            model = model or choose_model(settings.model)
            frames = _open_source(source, settings, model.image_side)
            recipe: Recipe = ModelRecipe(model, settings, frames.size, frames.camera)
        else:
            frames = _open_source(source, settings, PredictorAdapter(predictor).image_side)
            recipe = GivenRecipe(predictor)
        adapter = PredictorAdapter(
            stack.enter_context((engine or LocalEngine()).open(recipe, partial(shared_frames, frames)))
        )
        if settings.splats.gaussians and not adapter.gives_gaussians:
            raise SettingsError(without_gaussians(adapter.name))
        extractor = choose_extractor(settings.loops, adapter.gives_descriptors)
        size, overlap = window_plan(settings, adapter)
        gate = make_gate(gate_mode(settings, frames, predictor is not None), settings.frames)
        scene = first_scene(settings, adapter)
        yield Job(frames, gate, settings, adapter, extractor, size, overlap, scene, stack.close, watch or Stopwatch())


def _open_source(source: Any, settings: Settings, image_side: int | None) -> FrameSource:
    return open_source(source, settings.frames, settings.model.resolution or image_side, settings.camera)


def gate_mode(settings: Settings, source: FrameSource, predictor_given: bool) -> GateMode:
    """What the settings say; where they leave it open, arrays and given predictors get every frame."""
    if settings.frames.gate is not None:
        return settings.frames.gate
    return "off" if predictor_given or source.kind == "arrays" else "auto"


def window_plan(settings: Settings, predictor: PredictorAdapter) -> tuple[int, int]:
    """Size and overlap of windows: from the settings, else the predictor's own, else 60 and 12.

    Raises SettingsError if they do not go together.
    """
    size = settings.windows.size or predictor.window_size
    overlap = settings.windows.overlap or predictor.window_overlap
    if overlap >= size:
        raise SettingsError(f"windows.overlap ({overlap}) must be below windows.size ({size}): set both of them")
    return size, overlap


def first_scene(settings: Settings, predictor: PredictorAdapter) -> Scene:
    """An empty scene in the run's units. Raises SettingsError for `cloud.voxel_m` where nothing tells metres."""
    scale, is_metric = settings.scale, predictor.is_metric
    if settings.cloud.voxel_m is not None and not (is_metric or scale.factor or scale.path_length_m):
        raise SettingsError(
            f"cloud.voxel_m needs metres, which {predictor.name} does not know: give --scale or "
            "--path-length-m, or use cloud.voxel, a share of the median depth (default 0.01)"
        )
    if scale.factor is not None:
        return Scene("metres", scale.factor)
    return Scene("metres" if is_metric else "relative")


def identity(job: Job) -> dict[str, str]:
    """What tells a run from those of another input or another model."""
    source, predictor = job.source, job.predictor
    width, height = source.size
    return {
        "input": f"{source.expected or 'some'} {source.kind} of {width}x{height}, digest {source.digest}",
        "model": " ".join([predictor.name, *filter(None, [predictor.hash])]),
        "window plan": f"{job.window_size} frames, {job.window_overlap} shared",
    }
