"""Frames -> WindowGeometry: which predictor a run uses."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PredictorError, SettingsError
from ..geometry import intrinsics_from_hfov, intrinsics_matrix
from ..machine import usable_cores
from ..models.hub import CONFIG, WEIGHTS
from ..models.manifest import (
    FREE,
    LOCAL,
    best_cached,
    cached_folder,
    licence_note,
    model_names,
    weights_hash,
)
from ..settings import CameraSettings, ModelSettings, Settings
from ..types import Predictor
from ..windows import longest_overlap

log = logging.getLogger(__name__)

DEVICES = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
DA3_SIDE = 504  # the size that Depth Anything 3 was trained for
SFM_SIDE = 640  # pixels of the longest side that the sfm predictor looks at


@dataclass(frozen=True)
class ModelChoice:
    """What a run predicts with: a checkpoint of Depth Anything 3 in its folder, or sfm, which has none."""

    name: str
    folder: Path | None
    why: str = ""

    @property
    def image_side(self) -> int:
        """The longest side in pixels that it looks at."""
        return SFM_SIDE if self.folder is None else DA3_SIDE

    def __str__(self) -> str:
        return f"{self.name} ({self.why})" if self.why else self.name


def choose_model(model: ModelSettings) -> ModelChoice:
    """The predictor that a run will use, and why where that was left open; nothing is fetched.

    Raises PredictorError for an unknown name, a model without poses, weights that are not there or an impossible
    device.
    """
    if not DEVICES.fullmatch(model.device):
        raise PredictorError(f"there is no device '{model.device}': choose auto, cpu, cuda, cuda:N or mps")
    if model.name == "sfm":
        return ModelChoice("sfm", None)
    if model.name == "auto":
        return _best()
    if model.name in model_names() and not (Path(model.name) / CONFIG).is_file():
        return _named(model.name)
    return _in_folder(model.name)


def make_predictor(
    choice: ModelChoice, settings: Settings, size: tuple[int, int], focal_px: float | None = None
) -> Predictor:
    """The chosen predictor, for an input of (width, height) `size` with `focal_px` from EXIF, if any.

    Raises PredictorError for a checkpoint that gives no poses, ModelError for one that is not whole, SettingsError for
    intrinsics that do not fit.
    """
    log.info("model: %s", choice)
    if choice.folder is None:
        return _make_sfm(settings, size, focal_px)
    return _make_da3(choice.name, choice.folder, settings, size, focal_px)


def _best() -> ModelChoice:
    found = best_cached()
    if found is not None:
        return ModelChoice(*found, "auto: the best Depth Anything 3 model on this machine")
    fetch = f"'da3-stream weights fetch {FREE}' fetches one"
    return ModelChoice("sfm", None, f"auto: no Depth Anything 3 model is on this machine; {fetch}")


def _named(name: str) -> ModelChoice:
    """A model of the manifest."""
    with_poses = model_names("poses")
    if name not in with_poses:
        raise PredictorError(
            f"{name} looks at single frames and gives no poses: choose one of {', '.join(with_poses)}, or sfm"
        )
    folder = cached_folder(name)
    if folder is None:
        raise PredictorError(
            f"the weights of {name} are not on this machine: 'da3-stream weights fetch {name}' fetches them; "
            f"--model FOLDER takes {LOCAL}, --model sfm needs none"
        )
    return ModelChoice(name, folder)


def _in_folder(name: str) -> ModelChoice:
    """A checkpoint of the user's."""
    folder = Path(name)
    if not folder.is_dir():
        known = ", ".join(("auto", "sfm", *model_names("poses")))
        raise PredictorError(f"there is no model '{name}': choose one of {known}, or {LOCAL}")
    missing = [file for file in (CONFIG, WEIGHTS) if not (folder / file).is_file()]
    if missing:
        raise PredictorError(f"the folder '{name}' holds no checkpoint: {' and '.join(missing)} must be in it")
    return ModelChoice(name, folder)


def known_camera(camera: CameraSettings, size: tuple[int, int], focal_px: float | None) -> NDArray[np.float64] | None:
    """K [3,3] at the input's resolution, first pixel centre at 0.5: as given, else by EXIF; None if nothing tells it.

    Raises SettingsError if the principal point lies outside the image.
    """
    if camera.intrinsics is not None:
        fx, fy, cx, cy = camera.intrinsics
        _require_inside(cx, cy, size)
        return intrinsics_matrix(fx, fy, cx + 0.5, cy + 0.5)
    if camera.hfov_deg is not None:
        return intrinsics_from_hfov(camera.hfov_deg, size)
    if focal_px is not None:
        return intrinsics_matrix(focal_px, focal_px, size[0] / 2, size[1] / 2)
    return None


def _require_inside(cx: float, cy: float, size: tuple[int, int]) -> None:
    if not (0 <= cx < size[0] and 0 <= cy < size[1]):
        raise SettingsError(
            f"the intrinsics' principal point ({cx:g}, {cy:g}) lies outside the image of {size[0]}x{size[1]} pixels: "
            "give intrinsics for the input's own resolution"
        )


def _make_sfm(settings: Settings, size: tuple[int, int], focal_px: float | None) -> Predictor:
    from .sfm import SfmPredictor

    if settings.model.device not in ("auto", "cpu"):
        log.warning("sfm runs on the CPU: device %s is not used", settings.model.device)
    return SfmPredictor(
        known_k=known_camera(settings.camera, size, focal_px),
        source_size=size,
        workers=settings.model.workers or usable_cores(),
        side=settings.model.resolution or SFM_SIDE,
        lens=settings.camera.lens,
        timeout_s=settings.model.window_timeout_s,
    )


def _make_da3(name: str, folder: Path, settings: Settings, size: tuple[int, int], focal_px: float | None) -> Predictor:
    from ..da3 import DepthAnything3
    from .da3 import Da3Predictor

    note = licence_note(name) if name in model_names() else None
    if note:
        log.warning(note)
    device = None if settings.model.device == "auto" else settings.model.device
    length = settings.windows.size or Da3Predictor.window_size
    shared = longest_overlap(length, settings.windows.overlap or Da3Predictor.window_overlap)
    model = DepthAnything3.from_pretrained(folder, device, vram_gb=settings.model.vram_gb, cache_frames=shared)
    k = known_camera(settings.camera, size, focal_px)
    side, describes = settings.model.resolution or DA3_SIDE, settings.loops.descriptor in ("auto", "dino")
    return Da3Predictor(model, k, size, side, describes, weights_hash(folder))
