"""The network: images in; depth, confidence, cameras and sky out (Lin et al., "Depth Anything 3", 2025)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import ModelError
from ...types import Gaussians
from ..backbone.attention import Kernel
from ..backbone.blocks import Attention
from ..backbone.embedding import PATCH
from ..backbone.reference_view import require_strategy
from ..config import NestedConfig, NetworkConfig, named_config, read_config
from ..gaussians import GaussianOptions, stack_gaussians
from ..heads.metric import align_to_metric, fill_sky, metres_from_canonical
from ..heads.rays import HYPOTHESES, SAMPLE, RayFit
from ..tensors import full_name, load_into
from .branch import Branch
from .clip import Clip, ClipOutput, Request


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """Predictions for B clips of N frames, raw; None where a model does not give it."""

    depth: Tensor  # [B,N,H,W], metres for a nested model
    confidence: Tensor | None  # [B,N,H,W], from 1
    camera_from_world: Tensor | None  # [B,N,3,4]
    intrinsics: Tensor | None  # [B,N,3,3] pixels of the images, middle of the image at (W/2, H/2)
    sky: Tensor | None  # [B,N,H,W], 0 and up; not a probability
    scale_factor: Tensor | None  # [B] metres per relative unit, nested models only
    exported: dict[int, Tensor] | None  # layer -> [B,N,gh,gw,C]; from the layer before frames meet on, reference first
    gaussians: Gaussians[Tensor] | None = (
        None  # [B,N*H*W,...] where asked for, in relative units for a nested model, too
    )


class Network:
    """One model of the family. It is built without memory; `load_tensors` gives it its weights."""

    def __init__(self, config: NetworkConfig | NestedConfig) -> None:
        self.config = config
        with torch.device("meta"):
            self.branches = {name: Branch(part).eval() for name, part in _branch_configs(config).items()}

    @staticmethod
    def from_config(config: str | Mapping[str, Any]) -> Network:
        """By the name of a released model ("da3-small"), or from a mapping as in its config; raises ModelError."""
        return Network(named_config(config) if isinstance(config, str) else read_config(config))

    def load_tensors(
        self,
        tensors: Mapping[str, Any],
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> list[str]:
        """Take weights by their names in the checkpoints, with or without "model." in front; backbones in `dtype`.

        Returns the names that were left out because nothing here uses them. Raises ModelError naming a tensor that is
        missing, unexpected or of another shape.
        """
        return load_into(self.branches, tensors, device, dtype)

    def tensors(self) -> dict[str, Tensor]:
        """The weights as `load_tensors` takes them."""
        return {
            full_name(name, key): tensor
            for name, branch in self.branches.items()
            for key, tensor in branch.state_dict().items()
        }

    @property
    def dtype(self) -> torch.dtype:
        """Of the backbones' matrices."""
        return next(iter(self.branches.values())).backbone.dtype

    @property
    def weight_bytes(self) -> int:
        """Memory that the weights take where the backbones are."""
        weights = [weight for branch in self.branches.values() for weight in branch.parameters()]
        return sum(weight.nbytes for weight in weights if weight.device == weights[0].device)

    def use_kernel(self, kernel: Kernel) -> None:
        """Compute the attention of the backbones by this kernel."""
        for branch in self.branches.values():
            for module in branch.backbone.modules():
                if isinstance(module, Attention):
                    module.kernel = kernel

    @torch.no_grad()
    def forward(
        self,
        images: Tensor,
        camera_from_world: Tensor | None = None,
        intrinsics: Tensor | None = None,
        ref_view: str = "saddle_balanced",
        ref_index: int | None = None,
        use_ray_pose: bool = False,
        ransac_index: Tensor | NDArray[np.int64] | None = None,
        export_layers: Sequence[int] = (),
        frames_at_once: int = 8,
        gaussians: bool | GaussianOptions = False,
    ) -> NetworkOutput:
        """Images [B,N,3,H,W], normalised, with sides that are multiples of 14.

        `camera_from_world` [B,N,3 or 4,4] (already normalised) and `intrinsics` [B,N,3,3] condition the network on
        cameras; `ref_index` overrides the strategy `ref_view`; `ransac_index` [100,8] fixes the samples of
        `use_ray_pose`. `frames_at_once` bounds the memory and changes nothing else. `gaussians` asks for one of every
        pixel, as the original returns them.
        """
        if images.ndim != 5 or images.shape[2] != 3 or 0 in images.shape:
            raise ModelError(f"images must be [B,N,3,H,W] with something in them, not {list(images.shape)}")
        index = None if ransac_index is None else torch.as_tensor(ransac_index)
        _require_shapes(images, camera_from_world, intrinsics, index)
        asked = GaussianOptions.of(gaussians)
        request = Request(
            ref_view,
            ref_index,
            use_ray_pose,
            RayFit(index),
            frozenset(export_layers),
            gaussians=None if asked is None else replace(asked, raw=True),
            frames_at_once=frames_at_once,
        )
        none = [None] * len(images)
        poses, cameras = (none if given is None else list(given) for given in (camera_from_world, intrinsics))
        clips = [Clip(*parts) for parts in zip(images, poses, cameras, strict=True)]
        for clip in clips:
            self.check(clip, request)
        start = self.main.vit.alt_start
        return _stack_clips([_reference_first(self.infer(clip, request), start) for clip in clips])

    @property
    def main(self) -> NetworkConfig:
        """Of the branch that features and descriptors are of."""
        return self.branches["da3" if isinstance(self.config, NestedConfig) else ""].config

    @torch.no_grad()
    def infer(self, clip: Clip, request: Request) -> ClipOutput:
        """Predictions for one clip that `check` has accepted."""
        if not isinstance(self.config, NestedConfig):
            return _fill_sky(self.branches[""](clip, request))
        any_view = self.branches["da3"](clip, request)
        metric = _fill_sky(self.branches["da3_metric"](clip, request.for_single_frames()))
        known = clip.intrinsics if clip.camera_from_world is None else None  # with poses the original trusts its own
        return _combine_branches(any_view, metric, known)

    def check(self, clip: Clip, request: Request) -> None:
        """Raises ModelError for a clip or a request that this model cannot take."""
        main = self.main
        if clip.size[0] % PATCH or clip.size[1] % PATCH:
            raise ModelError(f"the sides of images must be multiples of {PATCH}, not {list(clip.size)}")
        if clip.camera_from_world is not None and clip.intrinsics is None:
            raise ModelError("poses need intrinsics beside them: give both or none")
        if clip.camera_from_world is not None and not main.has_camera:
            raise ModelError("this model looks at single frames and cannot use poses")
        if request.gaussians is not None and main.gaussians is None:
            raise ModelError("this model has no Gaussian head: those of da3-giant and da3nested-giant-large have one")
        require_strategy(request.ref_view)
        if request.ref_index is not None and not 0 <= request.ref_index < len(clip):
            raise ModelError(f"there is no frame {request.ref_index} to be the reference: the clip has {len(clip)}")
        if request.frames_at_once < 1:
            raise ModelError(f"at least one frame must be looked at together, not {request.frames_at_once}")
        if self.branches[next(iter(self.branches))].backbone.pretrained.cls_token.is_meta:
            raise ModelError("the network has no weights yet: load_tensors gives it some")
        wrong = [layer for layer in request.export_layers if not 0 <= layer < main.vit.depth]
        if wrong:
            raise ModelError(f"there is no layer {wrong[0]}: the backbone has {main.vit.depth}")


def _require_shapes(
    images: Tensor, poses: Tensor | None, intrinsics: Tensor | None, ransac_index: Tensor | None
) -> None:
    """Raises ModelError for cameras and samples that do not go with the images."""
    count = tuple(images.shape[:2])
    if not images.is_floating_point():
        raise ModelError(f"images must be normalised floating-point numbers, not {images.dtype}")
    if poses is not None and tuple(poses.shape) not in ((*count, 3, 4), (*count, 4, 4)):
        raise ModelError(f"camera_from_world must be {[*count]} with [3,4] or [4,4] each, not {list(poses.shape)}")
    if intrinsics is not None and tuple(intrinsics.shape) != (*count, 3, 3):
        raise ModelError(f"intrinsics must be {[*count, 3, 3]}, not {list(intrinsics.shape)}")
    if ransac_index is not None and (tuple(ransac_index.shape) != (HYPOTHESES, SAMPLE) or int(ransac_index.min()) < 0):
        raise ModelError(f"ransac_index must be [{HYPOTHESES},{SAMPLE}] of places, not {list(ransac_index.shape)}")


def _branch_configs(config: NetworkConfig | NestedConfig) -> dict[str, NetworkConfig]:
    return {"": config} if isinstance(config, NetworkConfig) else {"da3": config.da3, "da3_metric": config.da3_metric}


def _fill_sky(out: ClipOutput) -> ClipOutput:
    return out if out.sky is None else replace(out, depth=fill_sky(out.depth, out.sky))


def _reference_first(out: ClipOutput, start: int) -> ClipOutput:
    """Exported layers with their frames as in the original: from the layer before frames meet on, which are those from
    `start` on, the reference first."""
    reference = int(out.reference)
    order = [reference, *(frame for frame in range(len(out.depth)) if frame != reference)]
    exported = {layer: x[order] if layer >= start - 1 else x for layer, x in out.exported.items()}
    return replace(out, exported=exported)


def _combine_branches(any_view: ClipOutput, metric: ClipOutput, known_k: Tensor | None) -> ClipOutput:
    """The any-view branch's output in metres, with the known focal length, else its own."""
    assert any_view.intrinsics is not None and any_view.confidence is not None
    assert any_view.camera_from_world is not None and metric.sky is not None
    k = any_view.intrinsics if known_k is None else known_k
    metres = metres_from_canonical(metric.depth, k.to(metric.depth.device))
    aligned = align_to_metric(any_view.depth, any_view.confidence, metres, metric.sky)
    poses = any_view.camera_from_world.clone()
    poses[..., 3] *= aligned.scale
    return replace(
        any_view,
        depth=aligned.depth,
        confidence=aligned.confidence,
        camera_from_world=poses,
        sky=metric.sky,
        scale=torch.tensor(aligned.scale, dtype=torch.float64),
    )


def _stack_clips(clips: list[ClipOutput]) -> NetworkOutput:
    def stacked(name: str) -> Tensor | None:
        values = [getattr(clip, name) for clip in clips]
        return None if values[0] is None else torch.stack(values)

    depth = stacked("depth")
    assert depth is not None
    layers = sorted(clips[0].exported)
    exported = {layer: torch.stack([clip.exported[layer] for clip in clips]) for layer in layers}
    gaussians = [clip.gaussians for clip in clips if clip.gaussians is not None]
    return NetworkOutput(
        depth,
        stacked("confidence"),
        stacked("camera_from_world"),
        stacked("intrinsics"),
        stacked("sky"),
        stacked("scale"),
        exported or None,
        stack_gaussians(gaussians) if gaussians else None,
    )
