"""From a model and the settings to the predictor, with the intrinsics where they are known."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..geometry import intrinsics_from_hfov, intrinsics_matrix
from ..machine import usable_cores
from ..settings import CameraSettings, Settings
from ..types import Predictor
from ..windows import longest_overlap
from .model_choice import DA3_SIDE, SFM_SIDE, ResolvedModel

log = logging.getLogger(__name__)


def make_predictor(
    model: ResolvedModel, settings: Settings, size: tuple[int, int], focal_px: float | None = None
) -> Predictor:
    """The model's predictor, for an input of (width, height) `size` with `focal_px` from EXIF, if any.

    Raises PredictorError for a checkpoint that gives no poses, ModelError for one that is not whole, SettingsError for
    intrinsics that do not fit.
    """
    log.info("model: %s", model)
    if model.folder is None:
        return _make_sfm(settings, size, focal_px)
    return _make_da3(model, model.folder, settings, size, focal_px)


def known_camera(camera: CameraSettings, size: tuple[int, int], focal_px: float | None) -> NDArray[np.float64] | None:
    """K [3,3] at the input's resolution, first pixel centre at 0.5: as given, else by EXIF; None if unknown.

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
        keyframes=settings.model.keyframes,
        timeout_s=settings.model.window_timeout_s,
        flow_scale=settings.model.flow_scale,
    )


def _make_da3(
    model: ResolvedModel, folder: Path, settings: Settings, size: tuple[int, int], focal_px: float | None
) -> Predictor:
    from ..da3 import DepthAnything3
    from .da3 import Da3Predictor

    if model.licence_note:
        log.warning(model.licence_note)
    device = None if settings.model.device == "auto" else settings.model.device
    length = settings.windows.size or Da3Predictor.window_size
    shared = longest_overlap(length, settings.windows.overlap or Da3Predictor.window_overlap)
    network = DepthAnything3.from_pretrained(folder, device, vram_gb=settings.model.vram_gb, cache_frames=shared)
    k = known_camera(settings.camera, size, focal_px)
    side, describes = settings.model.resolution or DA3_SIDE, settings.loops.descriptor in ("auto", "dino")
    return Da3Predictor(network, k, size, side, describes, model.weights_hash())
