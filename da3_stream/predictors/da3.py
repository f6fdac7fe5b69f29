"""Frames -> WindowGeometry by Depth Anything 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..da3 import DepthAnything3, Prediction, is_lost
from ..da3.gaussians import GaussianOptions
from ..errors import DeviceLostError, NoScaleError, PredictorError
from ..geometry import resize_intrinsics
from ..types import Float32, Float64, Frame, Gaussians, Status, WindowGeometry
from .model_choice import DA3_SIDE, without_gaussians


class Da3Predictor:
    """Every window in one pass of the network.

    `known_k` is K [3,3] at `source_size` (width, height), first pixel centre at 0.5, or None to take the network's own;
    `focal_sigma` says that it is a guess (a relative standard deviation of the focal length). With `descriptors`
    windows come with descriptors of places, with `gaussians` with a Gaussian of every pixel; `weights_hash` is the
    sha256 of the weights' file, for run.json. Frames with intrinsics of their own (`own_k`: all) go before `known_k`;
    with `given_poses` every frame must have a pose, too: windows are in the world of these, in its unit. Raises
    PredictorError for a model that gives no poses, or no Gaussians where they are asked for.
    """

    window_size = 60
    window_overlap = 12

    def __init__(
        self,
        model: DepthAnything3,
        known_k: NDArray[np.float64] | None = None,
        source_size: tuple[int, int] = (0, 0),
        resolution: int = DA3_SIDE,
        descriptors: bool = False,
        weights_hash: str | None = None,
        focal_sigma: float | None = None,
        gaussians: bool = False,
        given_poses: bool = False,
        own_k: bool = False,
    ) -> None:
        if not model.has_poses:
            raise PredictorError(
                f"{model.name} looks at single frames and gives no poses: choose da3-small, -base, -large, -giant, "
                "da3nested-giant-large, or sfm"
            )
        if gaussians and not model.has_gaussians:
            raise PredictorError(without_gaussians(model.name))
        self.name, self.image_side, self.hash = model.name, resolution, weights_hash
        self._model, self._known_k, self._source_size = model, known_k, source_size
        self._is_given = (known_k is not None or own_k) and focal_sigma is None
        self.gives_descriptors, self.gives_gaussians = descriptors, gaussians
        self._given_poses = given_poses

    @property
    def is_metric(self) -> bool:
        """Whether its windows are in metres; where poses are given, whoever gave them knows their unit."""
        return self._model.is_metric and not self._given_poses

    @property
    def facts(self) -> dict[str, Any]:
        """The device, and the type of numbers that it computes with, ready for JSON."""
        return self._model.facts

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens, ready for JSON."""
        return {"given": self._is_given}

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Poses and depth of the frames; see `Status` for how far to trust them.

        Raises DeviceLostError where the device has failed.
        """
        return self._predict(frames, keep=True, gaussians=self.gives_gaussians)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """The same for two neighbourhoods, which push no frame out of the cache that the next window needs."""
        return self._predict([*first, *second], keep=False, gaussians=False)

    def _predict(self, frames: Sequence[Frame], *, keep: bool, gaussians: bool) -> WindowGeometry:
        try:
            prediction = self._model.infer(
                [frame.image for frame in frames],
                resolution=self.image_side,
                intrinsics=frame_intrinsics(frames, self._known_k, self._source_size),
                camera_from_world=self._poses(frames),
                indices=[frame.ordinal for frame in frames],
                keep=keep,
                descriptors=self.gives_descriptors,
                gaussians=GaussianOptions(half_harmonics=True) if gaussians else False,
            )
        except NoScaleError as error:
            return WindowGeometry.failed(frames, str(error))
        except RuntimeError as error:
            if not is_lost(error):
                raise
            reason = str(error).strip().splitlines()[0]
            raise DeviceLostError(
                f"the device has failed ({reason}): the same command goes on after the last window once it works again"
            ) from error
        return self._geometry(frames, prediction)

    def _geometry(self, frames: Sequence[Frame], prediction: Prediction) -> WindowGeometry:
        depth, confidence = usable_depth(prediction)
        poses = _window_from_camera(prediction)
        known = np.isfinite(poses).all(axis=(1, 2))
        notes = () if known.all() else (f"{int((~known).sum())} frames without a finite pose",)
        if not (depth > 0).any():
            notes = (*notes, "no pixel has a finite depth")
        assert prediction.intrinsics is not None
        return WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames], np.int64),
            images=prediction.images,
            depth=depth,
            confidence=confidence,
            intrinsics=prediction.intrinsics,
            window_from_camera=poses,
            is_metric=prediction.is_metric,
            sky=prediction.sky,
            descriptors=prediction.descriptors,
            status=Status.FAILED if not known.any() else Status.WEAK if notes else Status.OK,
            notes=notes,
            gaussians=_by_frame(prediction),
            in_world=self._given_poses,
        )

    def _poses(self, frames: Sequence[Frame]) -> Float64 | None:
        """camera_from_world [N,4,4] as they are given."""
        if not self._given_poses:
            return None
        poses = [frame.camera_from_world for frame in frames if frame.camera_from_world is not None]
        if len(poses) < len(frames):
            raise PredictorError(f"{len(frames) - len(poses)} of {len(frames)} frames have no pose that is given")
        return np.stack(poses)


def frame_intrinsics(frames: Sequence[Frame], known_k: Float64 | None, source_size: tuple[int, int]) -> Float64 | None:
    """K [N,3,3] at the frames' size: their own, if all have some, else the known one; None where neither is known."""
    height, width = frames[0].image.shape[:2]
    own = [frame.intrinsics for frame in frames if frame.intrinsics is not None]
    if len(own) == len(frames):
        return np.stack([resize_intrinsics(k, frames[0].source_size, (width, height)) for k in own])
    if known_k is None:
        return None
    return np.tile(resize_intrinsics(known_k, source_size, (width, height)), (len(frames), 1, 1))


def usable_depth(prediction: Prediction) -> tuple[Float32, Float32]:
    """Depth and confidence above its floor of 1 (1 where the model gives none); both 0 where either is not finite, or
    depth not in front."""
    depth = prediction.depth
    confidence = np.full_like(depth, 2) if prediction.confidence is None else prediction.confidence
    good = np.isfinite(depth) & np.isfinite(confidence) & (depth > 0)
    return np.where(good, depth, np.float32(0)), np.where(good, confidence - np.float32(1), np.float32(0))


def _by_frame(prediction: Prediction) -> tuple[Gaussians[NDArray[Any]], ...]:
    """Those of each frame, which share the memory of all."""
    if prediction.gaussians is None:
        return ()
    pixels = prediction.depth[0].size
    return tuple(prediction.gaussians.take(slice(k * pixels, (k + 1) * pixels)) for k in range(len(prediction.depth)))


def _window_from_camera(prediction: Prediction) -> Float64:
    """[N,4,4], NaN where the network's pose is not finite."""
    assert prediction.camera_from_world is not None
    rotation, translation = prediction.camera_from_world[:, :, :3], prediction.camera_from_world[:, :, 3:]
    poses = np.tile(np.eye(4), (len(rotation), 1, 1))
    poses[:, :3, :3] = _nearest_rotations(rotation).transpose(0, 2, 1)
    poses[:, :3, 3:] = -poses[:, :3, :3] @ translation
    poses[~np.isfinite(poses).all(axis=(1, 2))] = np.nan
    return poses


def _nearest_rotations(rotation: Float64) -> Float64:
    """The nearest rotations [N,3,3], NaN where not finite: networks in half precision are off by some thousandths.

    (`geometry.nearest_rotations` would turn what is almost a rotation into the same one but for the last bits.)
    """
    out = np.full_like(rotation, np.nan)
    finite = np.isfinite(rotation).all(axis=(1, 2))
    u, _, vt = np.linalg.svd(rotation[finite])
    out[finite] = u @ vt
    return out
