"""Frames -> WindowGeometry: which predictor a run uses."""

from __future__ import annotations

import logging
import os
import re

import numpy as np
from numpy.typing import NDArray

from ..errors import PredictorError, SettingsError
from ..geometry import intrinsics_from_hfov, intrinsics_matrix
from ..settings import CameraSettings, ModelSettings, Settings
from ..types import Predictor

log = logging.getLogger(__name__)

NAMES = ("auto", "sfm")
DEVICES = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
SFM_SIDE = 640  # pixels of the longest side that the sfm predictor looks at


def image_side(settings: Settings, predictor: Predictor | None = None) -> int | None:
    """The longest side in pixels to which the reader shrinks frames; None: as they are."""
    if settings.model.resolution is not None:
        return settings.model.resolution
    return SFM_SIDE if predictor is None else getattr(predictor, "image_side", None)


def make_predictor(settings: Settings, size: tuple[int, int], focal_px: float | None = None) -> Predictor:
    """The predictor that the settings name, for an input of (width, height) `size` with `focal_px` from EXIF, if any.

    Raises PredictorError for an unknown name or an impossible device, SettingsError for intrinsics that do not fit.
    """
    log.info("model: %s", chosen_model(settings.model))
    return _make_sfm(settings, size, focal_px)


def chosen_model(model: ModelSettings) -> str:
    """The predictor that a run will use, and why where that was left open.

    Raises PredictorError for an unknown name or an impossible device.
    """
    if model.name not in NAMES:
        raise PredictorError(f"there is no model '{model.name}': choose one of {', '.join(NAMES)}")
    if not DEVICES.fullmatch(model.device):
        raise PredictorError(f"there is no device '{model.device}': choose auto, cpu, cuda, cuda:N or mps")
    return "sfm (auto: there is no Depth Anything 3 model in this version yet)" if model.name == "auto" else model.name


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


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    )
