"""Depth Anything 3 for users: images in, depth and cameras out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import ModelError
from ..geometry import Sim3
from ..types import Gaussians, move_in_place
from .backbone.attention import best_kernel, describe_kernel
from .checkpoint import ModelCheckpoint, read_checkpoint
from .config import NestedConfig
from .device import best_device, suited_dtype, usable_device
from .gaussians import GaussianOptions
from .heads.camera import normalise_poses
from .heads.metric import metres_from_canonical
from .heads.rays import RayFit
from .inputs import frame_keys, matrices, pixels
from .memory import MemoryPlanner, limit_process_memory
from .network.clip import Clip, ClipOutput, Request
from .network.frame_cache import FrameCache
from .pose_alignment import predicted_from_given
from .preprocess import PreparedImage, prepare

log = logging.getLogger(__name__)

SKY_THRESHOLD = 0.5  # of the network's sky map, for the mask that users see
SEED = 0  # of the samples that cameras are fitted to rays with

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of N frames, at the size (h, w) that it worked at, unless a field says otherwise."""

    depth: Float32  # [N,h,w] along z
    confidence: Float32 | None  # [N,h,w], from 1
    camera_from_world: Float64 | None  # [N,3,4]
    intrinsics: Float64 | None  # [N,3,3] pixels of the depth map, first pixel centre at 0.5
    intrinsics_input: Float64 | None  # [N,3,3] pixels of each input
    sky: NDArray[np.bool_] | None  # [N,h,w]
    images: NDArray[np.uint8]  # [N,h,w,3] RGB
    is_metric: bool  # whether depth and poses are in metres
    descriptors: Float32 | None = None  # [N,D] of places, where they were asked for
    features: Mapping[int, Float32] = field(default_factory=dict)  # layer -> [N,h/14,w/14,C] of patches, if asked for
    gaussians: Gaussians[NDArray[Any]] | None = (
        None  # [N*h*w,...] in the frame and unit of depth and poses, if asked for
    )


class DepthAnything3:
    """One model with its weights, on its device."""

    def __init__(
        self, checkpoint: ModelCheckpoint, device: torch.device, vram_gb: float | None = None, cache_frames: int = 0
    ) -> None:
        self.name, self.device = checkpoint.name, device
        self._network, self._cache = checkpoint.network, FrameCache(cache_frames)
        network = checkpoint.network
        self._planner = MemoryPlanner(
            network.config, device, network.dtype, network.weight_bytes, vram_gb, cache_frames
        )
        kernel = best_kernel(device, network.dtype)
        network.use_kernel(kernel)
        self.facts = {
            "device": str(device),
            "weights": str(network.dtype).removeprefix("torch."),
            "attention": describe_kernel(kernel, device, network.dtype),
        }
        log.info("%s: %s", self.name, ", ".join(f"{key} {value}" for key, value in self.facts.items()))

    @property
    def has_poses(self) -> bool:
        """Whether it gives camera poses; the others look at single frames."""
        config = self._network.config
        return isinstance(config, NestedConfig) or config.has_camera

    @property
    def has_gaussians(self) -> bool:
        """Whether it gives Gaussians: the giant models do."""
        return self._network.main.gaussians is not None

    @property
    def depth(self) -> int:
        """How many layers its backbone has."""
        return self._network.main.vit.depth

    @property
    def is_metric(self) -> bool:
        """Whether it gives metres by itself."""
        return isinstance(self._network.config, NestedConfig)

    def tells_metres(self, focal_length_known: bool) -> bool:
        """Whether depth is in metres, which the metric model alone tells of pictures whose focal length is known."""
        return self.is_metric or (self._canonical and focal_length_known)

    @staticmethod
    def from_pretrained(
        name: str | Path,
        device: str | None = None,
        dtype: torch.dtype | None = None,
        *,
        vram_gb: float | None = None,
        cache_frames: int = 0,
    ) -> DepthAnything3:
        """From a folder with config.json and model.safetensors, or by a name of weights/manifest.yaml, which is fetched
        into the hub's cache if it is not there; on the best device, in the type that suits it.

        `vram_gb` (1e9 bytes) bounds the memory of the device that weights and passes take (default: what is free);
        `cache_frames` is how many frames are remembered from one call of `infer` with `indices` to the next. Raises
        ModelError in one sentence where there is no whole checkpoint, or no room for it.
        """
        from ..models.manifest import checkpoint_folder

        chosen = best_device() if device is None else usable_device(device)
        limit_process_memory(chosen, vram_gb)
        folder = checkpoint_folder(name)
        try:
            checkpoint = read_checkpoint(folder, chosen, dtype or suited_dtype(chosen))
        except torch.OutOfMemoryError as error:
            raise ModelError(f"the weights in {folder} do not fit into the memory of {chosen}: {error}") from error
        return DepthAnything3(checkpoint, chosen, vram_gb, cache_frames)

    def infer(
        self,
        images: Sequence[Any],
        *,
        resolution: int = 504,
        intrinsics: ArrayLike | None = None,
        camera_from_world: ArrayLike | None = None,
        ref_view: str = "saddle_balanced",
        use_ray_pose: bool = False,
        indices: Sequence[int] | None = None,
        keep: bool = True,
        descriptors: bool = False,
        gaussians: bool | str | GaussianOptions = False,
        layers: Sequence[int] = (),
    ) -> Prediction:
        """Depth and cameras of images of one scene (paths, uint8 RGB arrays or tensors [H,W,3], PIL images).

        `intrinsics` [N,3,3] are in pixels of each input (first pixel centre at 0.5). Alone they replace those predicted
        and give a metric branch its focal length; with `camera_from_world` [N,3 or 4,4], in any world and unit, they
        condition the network, and depth comes in that unit. `indices` are the frames' places in their video: what was
        computed of the same frames before is used again, and with `keep` what is computed of these is kept for later.
        `descriptors` asks for vectors by which places are recognised; `gaussians` for a Gaussian of every pixel in the
        frame and unit of the prediction ("raw": as the original returns them), which the giant models give; `layers`
        for the features of patches after these layers of the backbone, from 0, normed as its last. Raises
        ModelError for poses without intrinsics, where a count does not fit, for what this model does not give, or where
        memory is short.
        """
        prepared = prepare([pixels(image) for image in images], resolution)
        k = matrices(intrinsics, len(prepared), "intrinsics")
        poses = matrices(camera_from_world, len(prepared), "camera_from_world")
        given = None if k is None else np.stack([one.intrinsics(m) for one, m in zip(prepared, k, strict=True)])
        clip = self._clip(prepared, given, poses, indices)
        request = Request(
            ref_view,
            use_ray_pose=use_ray_pose,
            ray_fit=RayFit(generator=torch.Generator().manual_seed(SEED), exact=True),
            descriptors=descriptors,
            gaussians=GaussianOptions.of(gaussians),
            output_device=torch.device("cpu"),
            cache=self._cache if clip.keys else None,
            keep=keep,
            export_layers=frozenset(layers),
        )
        self._network.check(clip, request)
        out = self._run(clip, request)
        prediction = _to_prediction(out, prepared, given, self.tells_metres(given is not None))
        predicted = None if poses is None else _predicted_from_given(prediction, poses)
        if prediction.gaussians is not None and request.gaussians is not None and not request.gaussians.raw:
            _bring_along(prediction.gaussians, out.scale, predicted)
        return prediction if poses is None or predicted is None else _in_units_of(poses, predicted.scale, prediction)

    def _clip(
        self, prepared: list[PreparedImage], k: Float64 | None, poses: Float64 | None, indices: Sequence[int] | None
    ) -> Clip:
        images = torch.from_numpy(np.stack([one.image for one in prepared]))
        relative = None if poses is None else normalise_poses(torch.from_numpy(poses)).float().to(self.device)
        cameras = None if k is None else torch.from_numpy(k).float().to(self.device)
        return Clip(images.to(self.device), relative, cameras, frame_keys(prepared, indices))

    def _run(self, clip: Clip, request: Request) -> ClipOutput:
        def work(frames_at_once: int) -> ClipOutput:
            return self._network.infer(clip, replace(request, frames_at_once=frames_at_once))

        out = self._planner.run(work, len(clip), clip.size, gaussians=request.gaussians is not None)
        if not self._canonical or clip.intrinsics is None:
            return out
        return replace(out, depth=metres_from_canonical(out.depth, clip.intrinsics.to(out.depth.device)))

    @property
    def _canonical(self) -> bool:
        """Whether depth is in units of a canonical camera, and in metres once the focal length is known."""
        return self.name.startswith("da3metric")


def _numpy(tensor: Tensor | None) -> Float64 | None:
    return None if tensor is None else tensor.cpu().double().numpy()


def _float32(tensor: Tensor | None) -> Float32 | None:
    return None if tensor is None else tensor.float().cpu().numpy()


def _to_prediction(
    out: ClipOutput, prepared: list[PreparedImage], given: Float64 | None, is_metric: bool
) -> Prediction:
    intrinsics = _numpy(out.intrinsics) if given is None else given
    at_input = (
        None
        if intrinsics is None
        else np.stack([np.linalg.solve(one.model_from_input, k) for one, k in zip(prepared, intrinsics, strict=True)])
    )
    return Prediction(
        depth=out.depth.float().cpu().numpy(),
        confidence=_float32(out.confidence),
        camera_from_world=_numpy(out.camera_from_world),
        intrinsics=intrinsics,
        intrinsics_input=at_input,
        sky=None if out.sky is None else (out.sky >= SKY_THRESHOLD).cpu().numpy(),
        images=np.stack([one.image for one in prepared]),
        is_metric=is_metric,
        descriptors=_float32(out.descriptors),
        features={layer: x.float().cpu().numpy() for layer, x in out.exported.items()},
        gaussians=None
        if out.gaussians is None
        else Gaussians(**{name: x.numpy() for name, x in vars(out.gaussians).items()}),
    )


def _predicted_from_given(prediction: Prediction, poses: Float64) -> Sim3 | None:
    """From the world of given poses [N,4,4] to the predicted one; None where no poses are predicted."""
    predicted = prediction.camera_from_world
    return None if predicted is None else predicted_from_given(predicted, poses)


def _in_units_of(poses: Float64, unit: float, prediction: Prediction) -> Prediction:
    """The prediction with the given poses [N,4,4] as its own, and its depth in their unit, `unit` predicted ones."""
    depth = (prediction.depth / unit).astype(np.float32)
    return replace(prediction, depth=depth, camera_from_world=poses[:, :3], is_metric=False)


def _bring_along(gaussians: Gaussians[NDArray[Any]], metres: Tensor | None, predicted: Sim3 | None) -> None:
    """Bring Gaussians of the predicted world and relative unit to metres, where they are known, and from the predicted
    world to the given one, in place."""
    scale = Sim3(1.0 if metres is None else float(metres), np.eye(3), np.zeros(3))
    move_in_place(gaussians, scale if predicted is None else predicted.inverse() @ scale)
