"""Depth Anything 3 for users: pictures in, depth and cameras out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import ModelError
from ..weights_manifest import checkpoint_folder
from .camera import normalised_poses
from .checkpoint import Checkpoint, read_checkpoint
from .config import NestedConfig
from .metric import metres_from_canonical
from .network import NetworkOutput
from .pose_alignment import predicted_from_given
from .preprocess import Image, Prepared, normalised, prepare

SKY = 0.5  # from here on a pixel is shown as sky

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction:
    """N frames of (h, w): everything in the size that the network looked at, unless it says otherwise."""

    depth: Float32  # [N,h,w] along z
    confidence: Float32 | None  # [N,h,w], from 1
    camera_from_world: Float64 | None  # [N,3,4]
    intrinsics: Float64 | None  # [N,3,3] pixels of the depth map, first pixel centre at 0.5
    intrinsics_input: Float64 | None  # [N,3,3] pixels of each input
    sky: NDArray[np.bool_] | None  # [N,h,w]
    images: NDArray[np.uint8]  # [N,h,w,3] RGB
    is_metric: bool  # whether depth and poses are in metres


class DepthAnything3:
    """One model, ready to look at pictures."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.name, self.device = checkpoint.name, device
        self._network = checkpoint.network

    @property
    def has_poses(self) -> bool:
        """Whether it looks at several frames and says where they were taken from."""
        config = self._network.config
        return isinstance(config, NestedConfig) or config.has_camera

    @staticmethod
    def from_pretrained(
        name: str | Path, device: str | None = None, dtype: torch.dtype | None = None
    ) -> DepthAnything3:
        """From a folder with config.json and model.safetensors, or by a name of weights/manifest.yaml, which is fetched
        into the hub's cache if it is not there; on the best device, in the type that suits it.

        Raises ModelError in one sentence where there is no whole checkpoint.
        """
        chosen = best_device() if device is None else torch.device(device)
        checkpoint = read_checkpoint(checkpoint_folder(name), chosen, dtype or suited_dtype(chosen))
        return DepthAnything3(checkpoint, chosen)

    def infer(
        self,
        images: Sequence[Any],
        *,
        resolution: int = 504,
        intrinsics: ArrayLike | None = None,
        camera_from_world: ArrayLike | None = None,
        ref_view: str = "saddle_balanced",
        use_ray_pose: bool = False,
    ) -> Prediction:
        """Depth and cameras of pictures of one scene (paths, uint8 RGB arrays or tensors [H,W,3], PIL images).

        `intrinsics` [N,3,3] are in pixels of each input (first pixel centre at 0.5); with `camera_from_world`
        [N,3 or 4,4], in any world and unit, they condition the network, and depth comes in that unit. Raises
        ModelError for poses without intrinsics or where a count does not fit.
        """
        prepared = prepare([_pixels(image) for image in images], resolution)
        k = _matrices(intrinsics, len(prepared), "intrinsics")
        poses = _matrices(camera_from_world, len(prepared), "camera_from_world")
        if poses is not None and k is None:
            raise ModelError("poses need intrinsics beside them: give both or none")
        given = None if k is None else np.stack([one.intrinsics(m) for one, m in zip(prepared, k, strict=True)])
        out = self._forward(prepared, given, poses, ref_view, use_ray_pose)
        return _in_units_of(poses, _prediction(out, prepared, given, self._metric(given)))

    def _forward(
        self, prepared: list[Prepared], k: Float64 | None, poses: Float64 | None, ref_view: str, use_ray_pose: bool
    ) -> NetworkOutput:
        pixels = torch.from_numpy(np.stack([one.image for one in prepared])).to(self.device)
        relative = None if poses is None else normalised_poses(torch.from_numpy(poses))[None].float().to(self.device)
        cameras = None if k is None else torch.from_numpy(k)[None].float().to(self.device)
        out = self._network.forward(normalised(pixels)[None], relative, cameras, ref_view, use_ray_pose=use_ray_pose)
        return _in_metres(out, cameras) if cameras is not None and self._canonical else out

    @property
    def _canonical(self) -> bool:
        """Whether depth is in units of a canonical camera, and in metres once the focal length is known."""
        return self.name.startswith("da3metric")

    def _metric(self, k: Float64 | None) -> bool:
        return isinstance(self._network.config, NestedConfig) or (self._canonical and k is not None)


def best_device() -> torch.device:
    """The first of CUDA, MPS and CPU that is there."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def suited_dtype(device: torch.device) -> torch.dtype:
    """What weights are kept in: full precision on the CPU, bfloat16 where the card knows it by itself, else float16."""
    if device.type == "cpu":
        return torch.float32
    native = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if native else torch.float16


def _pixels(image: Any) -> Image:
    """RGB [H,W,3] of a path, an array, a tensor or a PIL image."""
    if isinstance(image, (str, Path)):
        read = cv2.imread(str(image), cv2.IMREAD_COLOR_RGB)
        if read is None:
            raise ModelError(f"{image} is no image that can be read")
        return np.asarray(read, np.uint8)
    if isinstance(image, Tensor):
        return image.cpu().numpy()
    return np.asarray(image.convert("RGB") if hasattr(image, "convert") else image)


def _matrices(values: ArrayLike | None, count: int, name: str) -> Float64 | None:
    """[N,3,3] for intrinsics, [N,4,4] for poses."""
    if values is None:
        return None
    array = np.asarray(values, np.float64)
    shapes = ((count, 3, 3),) if name == "intrinsics" else ((count, 3, 4), (count, 4, 4))
    if array.shape not in shapes:
        raise ModelError(f"{name} must be {' or '.join(str(list(shape)) for shape in shapes)}, not {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} must be finite")
    if array.shape[1] == 3 and array.shape[2] == 4:
        array = np.concatenate([array, np.tile([[[0.0, 0.0, 0.0, 1.0]]], (count, 1, 1))], axis=1)
    return array


def _in_metres(out: NetworkOutput, k: Tensor) -> NetworkOutput:
    return replace(out, depth=metres_from_canonical(out.depth, k))


def _prediction(out: NetworkOutput, prepared: list[Prepared], given: Float64 | None, is_metric: bool) -> Prediction:
    intrinsics = given if given is not None or out.intrinsics is None else out.intrinsics[0].double().cpu().numpy()
    at_input = (
        None
        if intrinsics is None
        else np.stack([np.linalg.solve(one.model_from_input, k) for one, k in zip(prepared, intrinsics, strict=True)])
    )
    return Prediction(
        depth=out.depth[0].float().cpu().numpy(),
        confidence=None if out.confidence is None else out.confidence[0].float().cpu().numpy(),
        camera_from_world=None if out.camera_from_world is None else out.camera_from_world[0].double().cpu().numpy(),
        intrinsics=intrinsics,
        intrinsics_input=at_input,
        sky=None if out.sky is None else (out.sky[0] >= SKY).cpu().numpy(),
        images=np.stack([one.image for one in prepared]),
        is_metric=is_metric,
    )


def _in_units_of(poses: Float64 | None, found: Prediction) -> Prediction:
    """The prediction in the world of the given poses [N,4,4], which it then has itself."""
    if poses is None or found.camera_from_world is None:
        return found
    scale = predicted_from_given(found.camera_from_world, poses).scale
    depth = (found.depth / scale).astype(np.float32)
    return replace(found, depth=depth, camera_from_world=poses[:, :3])
