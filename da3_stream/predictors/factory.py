"""From a model and the settings to the predictor, with the intrinsics where they are known."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PredictorError
from ..machine import usable_cores
from ..settings import Settings
from ..types import InputCamera, Predictor
from ..windows import longest_overlap
from .model_choice import DA3_SIDE, SFM_SIDE, ResolvedModel, without_gaussians

if TYPE_CHECKING:
    from ..da3 import DepthAnything3

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ModelRecipe:
    """How the predictor of a model is made for an input of (width, height) `size`, taken by a camera; it can be sent to
    another machine."""

    model: ResolvedModel
    settings: Settings
    size: tuple[int, int]
    camera: InputCamera
    is_given = False

    @property
    def wants_gpu(self) -> bool:
        """Whether it computes on a GPU where there is one."""
        return self.model.folder is not None and self.settings.model.device.startswith(("auto", "cuda"))

    def make(self) -> Predictor:
        """See `make_predictor`."""
        return make_predictor(self.model, self.settings, self.size, self.camera)

    def with_share(self, cores: int) -> ModelRecipe:
        """The same for a process that has so many cores, unless the settings say how many, and sees one GPU at most."""
        model = self.settings.model
        device = "cuda" if model.device.startswith("cuda") else model.device
        shared = model.model_copy(update={"workers": model.workers or cores, "device": device})
        return replace(self, settings=self.settings.model_copy(update={"model": shared}))


def make_predictor(model: ResolvedModel, settings: Settings, size: tuple[int, int], camera: InputCamera) -> Predictor:
    """The model's predictor, for an input of (width, height) `size`, taken by a camera.

    Raises PredictorError for a checkpoint that gives no poses, ModelError for one that is not whole.
    """
    log.info("model: %s", model)
    if model.folder is None:
        return _make_sfm(settings, size, camera)
    return _make_da3(model, model.folder, settings, size, camera)


def _make_sfm(settings: Settings, size: tuple[int, int], camera: InputCamera) -> Predictor:
    from .sfm import SfmPredictor

    if settings.camera.by_picture:
        raise PredictorError("camera.mixed and camera.cameras are for Depth Anything 3: sfm has one lens for a run")
    if settings.model.device not in ("auto", "cpu"):
        log.warning("sfm runs on the CPU: device %s is not used", settings.model.device)
    return SfmPredictor(
        known_k=camera.k,
        source_size=size,
        focal_sigma=camera.focal_sigma,
        workers=settings.model.workers or usable_cores(),
        side=settings.model.resolution or SFM_SIDE,
        lens="pinhole" if camera.is_straightened else settings.camera.lens,
        keyframes=settings.model.keyframes,
        keyframe_gap=settings.model.keyframe_gap,
        keypoints=settings.model.keypoints,
        timeout_s=settings.model.window_timeout_s,
        flow_scale=settings.model.flow_scale,
    )


def _make_da3(
    model: ResolvedModel, folder: Path, settings: Settings, size: tuple[int, int], camera: InputCamera
) -> Predictor:
    from ..da3 import DepthAnything3
    from .da3 import Da3Predictor

    if model.licence_note:
        log.warning(model.licence_note)
    device = None if settings.model.device == "auto" else settings.model.device
    length = settings.windows.size or Da3Predictor.window_size
    shared = longest_overlap(length, settings.windows.overlap or Da3Predictor.window_overlap)
    network = DepthAnything3.from_pretrained(folder, device, vram_gb=settings.model.vram_gb, cache_frames=shared)
    side, describes = settings.model.resolution or DA3_SIDE, settings.loops.descriptor in ("auto", "dino")
    if not (network.has_poses or model.gives_poses):
        if settings.splats.gaussians:
            raise PredictorError(without_gaussians(network.name))
        return _make_depth_only(network, camera, size, side, model.weights_hash())
    return Da3Predictor(
        network,
        camera.k,
        size,
        side,
        describes,
        model.weights_hash(),
        camera.focal_sigma,
        gaussians=settings.splats.gaussians,
        given_poses=camera.has_poses,
        own_k=camera.is_of_each,
    )


def _make_depth_only(
    network: DepthAnything3, camera: InputCamera, size: tuple[int, int], side: int, weights_hash: str | None
) -> Predictor:
    from .depth_only import DepthPredictor

    if camera.has_poses:
        raise PredictorError(
            f"{network.name} looks at single pictures and cannot use poses: leave --cameras out, or choose a model "
            "with poses"
        )
    knows_k = camera.k is not None or camera.is_of_each
    if network.tells_metres(True) and not network.tells_metres(knows_k):
        log.warning(
            "%s tells metres of pictures whose focal length is known: give --hfov-deg or --intrinsics", network.name
        )
    return DepthPredictor(network, camera.k, size, side, weights_hash, camera.is_of_each)
