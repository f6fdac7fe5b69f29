"""Long video to camera trajectory and coloured point cloud, on one small GPU or a CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .da3 import DepthAnything3
    from .pipeline import Source
    from .predictors.engine import Engine
    from .reconstruction import Reconstruction
    from .settings import Settings
    from .types import Predictor

__all__ = ["DepthAnything3", "Reconstruction", "Settings", "predict", "reconstruct"]

_HOMES = {"DepthAnything3": "da3", "Reconstruction": "reconstruction", "Settings": "settings"}


def reconstruct(
    source: Source,
    out: str = "run",
    *,
    settings: Settings | None = None,
    predictor: Predictor | None = None,
    engine: Engine | None = None,
    progress: bool = False,
    overwrite: bool = False,
) -> Reconstruction:
    """Reconstruct a video, images or arrays into the run directory `out`, and open it.

    `source` is a path (video, folder or glob of images), a list of image files, or an iterable of [H,W,3] uint8 RGB
    arrays; `predictor` any object with `predict(frames) -> WindowGeometry`, instead of the one that the settings name;
    `engine` where it computes (such as `distributed.RayEngine()`; None: in this process).
    Raises Da3StreamError with one sentence (see `pipeline.run`).
    """
    from .pipeline import run
    from .reconstruction import Reconstruction

    return Reconstruction(run(source, out, settings, predictor, engine=engine, progress=progress, overwrite=overwrite))


def predict(
    source: Source,
    out: str = "prediction",
    *,
    settings: Settings | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Reconstruction:
    """Depth of a picture, or depth and cameras of pictures of one scene, in one pass of Depth Anything 3, as a run
    directory `out`, opened.

    `source` as for `reconstruct`; `settings` None: those of the preset "predict" (`Settings` of others are for films).
    `overwrite` replaces the run that `out` holds. What does not fit into memory goes by windows. Raises Da3StreamError
    with one sentence (see `prediction.predict`).
    """
    from .prediction import predict
    from .reconstruction import Reconstruction

    return Reconstruction(predict(source, out, settings, overwrite=overwrite, progress=progress))


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
