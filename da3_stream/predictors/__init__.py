"""Frames -> WindowGeometry: which predictor a run uses."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PredictorError, SettingsError
from ..geometry import intrinsics_from_hfov, intrinsics_matrix
from ..machine import usable_cores
from ..settings import CameraSettings, ModelSettings, Settings
from ..types import Predictor
from ..weights_manifest import best_cached, cached_folder, licence_note, model_names
from ..windows import longest_overlap

log = logging.getLogger(__name__)

DEVICES = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
DA3_SIDE = 504  # the size that Depth Anything 3 was trained for
FREE = "da3-base"  # the largest with a free licence that gives poses
SFM_SIDE = 640  # pixels of the longest side that the sfm predictor looks at


def image_side(settings: Settings, predictor: Predictor | None = None) -> int | None:
    """The longest side in pixels to which the reader shrinks frames; None: as they are."""
    if settings.model.resolution is not None:
        return settings.model.resolution
    if predictor is not None:
        return getattr(predictor, "image_side", None)
    return SFM_SIDE if model_folder(settings.model) is None else DA3_SIDE


def make_predictor(settings: Settings, size: tuple[int, int], focal_px: float | None = None) -> Predictor:
    """The predictor that the settings name, for an input of (width, height) `size` with `focal_px` from EXIF, if any.

    Raises PredictorError for an unknown name or an impossible device, ModelError for a checkpoint that is not whole,
    SettingsError for intrinsics that do not fit.
    """
    log.info("model: %s", chosen_model(settings.model))
    folder = model_folder(settings.model)
    if folder is None:
        return _make_sfm(settings, size, focal_px)
    return _make_da3(folder, settings, size, focal_px)


def chosen_model(model: ModelSettings) -> str:
    """The predictor that a run will use, and why where that was left open.

    Raises PredictorError for an unknown name, weights that are not there or an impossible device.
    """
    if not DEVICES.fullmatch(model.device):
        raise PredictorError(f"there is no device '{model.device}': choose auto, cpu, cuda, cuda:N or mps")
    folder = model_folder(model)
    if model.name != "auto":
        return model.name
    if folder is None:
        return (
            f"sfm (auto: no Depth Anything 3 model is on this machine; 'da3-stream weights fetch {FREE}' fetches one)"
        )
    return f"{folder[0]} (auto: the best Depth Anything 3 model on this machine)"


def model_folder(model: ModelSettings) -> tuple[str, Path] | None:
    """Name and folder of the Depth Anything 3 checkpoint that a run uses; None for sfm.

    Raises PredictorError for an unknown name, or where the weights are not on this machine.
    """
    if model.name == "sfm":
        return None
    if model.name == "auto":
        return best_cached()
    if (Path(model.name) / "config.json").is_file():
        return model.name, Path(model.name)
    if model.name not in model_names():
        known = ", ".join(("auto", "sfm", *model_names()))
        raise PredictorError(f"there is no model '{model.name}': choose one of {known}, or a folder with a checkpoint")
    folder = cached_folder(model.name)
    if folder is None:
        raise PredictorError(
            f"the weights of {model.name} are not on this machine: 'da3-stream weights fetch {model.name}' fetches "
            "them; --model FOLDER takes a folder with config.json and model.safetensors, --model sfm needs none"
        )
    return model.name, folder


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
    )


def _make_da3(folder: tuple[str, Path], settings: Settings, size: tuple[int, int], focal_px: float | None) -> Predictor:
    from ..da3 import DepthAnything3
    from .da3 import Da3Predictor

    note = licence_note(folder[0]) if folder[0] in model_names() else None
    if note:
        log.warning(note)
    device = None if settings.model.device == "auto" else settings.model.device
    length = settings.windows.size or Da3Predictor.window_size
    shared = longest_overlap(length, settings.windows.overlap or Da3Predictor.window_overlap)
    model = DepthAnything3.from_pretrained(folder[1], device, vram_gb=settings.model.vram_gb, cache_frames=shared)
    k = known_camera(settings.camera, size, focal_px)
    return Da3Predictor(model, k, size, settings.model.resolution or DA3_SIDE)
