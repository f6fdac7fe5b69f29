"""One branch of a model on one clip: backbone, head and camera parts, in an order that holds few tensors at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...types import Gaussians
from ..backbone.backbone import Backbone, Pass, Prefix, groups
from ..config import NetworkConfig
from ..gaussians.adapter import pose_scale
from ..gaussians.decoder import GaussianCameras, GaussianDecoder
from ..gaussians.head import GaussianHead
from ..heads.camera import CameraDecoder, CameraEncoder, decode_cameras
from ..heads.dense import DenseHead, Maps
from ..heads.rays import cameras_from_rays
from .clip import Clip, ClipOutput, Request
from .frame_cache import FrameCache, Rows

POOLING_POWER = 3  # of the mean over a frame's patches: the larger, the more the strongest count


class Branch(nn.Module):
    """A backbone with its head; where it has poses the camera decoder and encoder, and in some a Gaussian head."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone, self.head = Backbone(config.vit), DenseHead(config.head)
        if config.has_camera:
            self.cam_dec, self.cam_enc = CameraDecoder(config.head.dim_in), CameraEncoder(config.vit.embed_dim)
        if config.gaussians is not None:
            self.gs_head = GaussianHead(config.gaussians.head)

    def forward(self, clip: Clip, request: Request) -> ClipOutput:
        """Depth, and confidence, cameras and sky where the branch gives them."""
        return self._joint(clip, request) if self.config.vit.alternates else self._per_frame(clip, request)

    def _per_frame(self, clip: Clip, request: Request) -> ClipOutput:
        """Every frame by itself, in groups; frames in the cache are not computed again."""
        cache = self._cache(request)
        if cache is None:
            return self._in_groups(clip, request)

        def maps(rows: list[int]) -> Rows:
            output = self._in_groups(clip.only(rows), request)
            assert output.sky is not None
            return output.depth, output.sky

        depth, sky = cache.rows("maps", clip.keys, maps, keep=request.keep)
        return ClipOutput(depth, sky=sky)

    def _cache(self, request: Request) -> FrameCache | None:
        """The cache of the per-frame layers, None where it cannot be used: a cached frame skips those layers, so their
        tokens would be missing where the head taps them or where they are exported."""
        early = self.config.vit.alternates and min(self.config.out_layers) < self.config.vit.alt_start
        return None if early or request.export_layers else request.cache

    def _in_groups(self, clip: Clip, request: Request) -> ClipOutput:
        parts = []
        for frames in groups(clip.count, request.frames_at_once):
            taps = FeatureTaps(self, clip.only(frames), request)
            self.backbone.prefix(clip.images[frames], taps.backbone_pass())
            parts.append(taps.depth_output())
        return _concatenate_groups(parts)

    def _joint(self, clip: Clip, request: Request) -> ClipOutput:
        """All frames of the clip together: they attend to each other."""
        taps = FeatureTaps(self, clip, request)
        run = taps.backbone_pass()
        prefix = self._prefix(clip, request, run)
        descriptors = self._descriptors(prefix) if request.descriptors else None
        camera_tokens, reference = self._camera_tokens(clip, request, prefix)
        tokens = prefix.tokens.float()
        if request.gaussians is not None:
            self.gs_head.to(tokens.device)  # from the CPU, where it is until somebody asks for it
        del prefix  # with both, the clip's tokens would be held twice
        self.backbone.alternate(tokens, camera_tokens, run)
        del tokens
        return replace(taps.full_output(), descriptors=descriptors, reference=reference)

    def _prefix(self, clip: Clip, request: Request, run: Pass) -> Prefix:
        cache = self._cache(request)
        if cache is None:
            return self.backbone.prefix(clip.images, run)

        def tokens(rows: list[int]) -> Rows:
            prefix = self.backbone.prefix(clip.only(rows).images, run)
            return prefix.tokens, prefix.summary

        return Prefix(*cache.rows("tokens", clip.keys, tokens, keep=request.keep))

    def _descriptors(self, prefix: Prefix) -> Tensor:
        """Descriptors [N,2C] to recognise places by: each frame's class token and its pooled patches (generalised mean:
        Radenović et al., TPAMI 2019), each of length one."""
        pooled = [
            self.backbone.pretrained.norm(tokens.float())[1:].clamp(min=1e-6).pow(POOLING_POWER).mean(dim=0)
            for tokens in prefix.tokens
        ]
        patches = functional.normalize(torch.stack(pooled).pow(1 / POOLING_POWER), dim=-1)
        return torch.cat([functional.normalize(prefix.summary, dim=-1), patches], dim=-1)

    def _camera_tokens(self, clip: Clip, request: Request, prefix: Prefix) -> tuple[Tensor, int | Tensor]:
        """The camera tokens [N,C], encoded from known cameras or the learned ones, and the reference frame (0 where
        cameras are known)."""
        if clip.camera_from_world is not None and clip.intrinsics is not None:
            poses, k = (x[None].to(self.cam_enc.device) for x in (clip.camera_from_world, clip.intrinsics))
            return self.cam_enc(poses, k, clip.size)[0].to(prefix.tokens.device), 0
        chosen = self.backbone.reference(prefix, request.ref_view) if request.ref_index is None else request.ref_index
        return self.backbone.camera_tokens(clip.count, chosen), chosen


class _FrameRows:
    """Tensors of four levels with a row for each of N frames, filled group by group."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.levels: list[Tensor] = []  # from the first, as they are tapped

    def put(self, level: int, frames: slice, rows: Tensor, dtype: torch.dtype) -> None:
        """Keep the rows of some frames."""
        if level == len(self.levels):
            self.levels.append(rows.new_empty((self._count, *rows.shape[1:]), dtype=dtype))
        self.levels[level][frames] = rows


class FeatureTaps:
    """The features that a head needs of one pass of the backbone.

    `backbone_pass` collects them: the tokens of every tapped layer are projected as soon as they are there, which takes
    a fraction of the tokens' memory. The outputs are made of them afterwards.
    """

    def __init__(self, branch: Branch, clip: Clip, request: Request) -> None:
        self._branch, self._clip, self._request = branch, clip, request
        self._levels, self._gaussian_levels = _FrameRows(clip.count), _FrameRows(clip.count)
        self._camera_tokens: dict[int, Tensor] = {}
        self.exported: dict[int, Tensor] = {}

    def backbone_pass(self) -> Pass:
        """The pass of the backbone that fills these taps."""
        watch = self._watch if self._request.export_layers else None
        layers = frozenset(self._branch.config.out_layers)
        return Pass(self._clip.grid, self._request.frames_at_once, self._tap, watch, layers)

    def depth_output(self) -> ClipOutput:
        """Depth, confidence and sky of all frames."""
        return replace(self._join(self._compute_maps(with_rays=False)), exported=self.exported)

    def full_output(self) -> ClipOutput:
        """The maps, and the cameras from the tokens or from the rays."""
        maps = self._compute_maps(self._request.use_ray_pose)
        poses, k = self._cameras_from_rays(maps) if self._request.use_ray_pose else self._cameras_from_tokens()
        output = replace(self._join(maps), camera_from_world=poses, intrinsics=k, exported=self.exported)
        del maps, self._levels  # the Gaussians are the largest result
        return replace(output, gaussians=self._gaussians(output))

    def _tap(self, layer: int, frames: slice, tokens: Tensor) -> None:
        branch, patches = self._branch, tokens[:, 1:]
        level, dtype = branch.config.out_layers.index(layer), branch.backbone.kept_dtype
        self._levels.put(level, frames, branch.head.project(level, patches), dtype)
        if self._request.gaussians is not None:
            for i, one in enumerate(patches.split(1), start=frames.start):
                kept = branch.gs_head.keep(level, one, self._clip.grid)
                self._gaussian_levels.put(level, slice(i, i + 1), kept, dtype)
        if layer == self._branch.config.out_layers[-1]:
            self._camera_tokens[frames.start] = tokens[:, 0].clone()

    def _watch(self, layer: int, frames: slice, tokens: Tensor) -> None:
        if layer in self._request.export_layers:
            patches = self._branch.backbone.pretrained.norm(tokens)[:, 1:].unflatten(1, self._clip.grid)
            shape, device = (self._clip.count, *patches.shape[1:]), self._request.output_device
            of_layer = self.exported.setdefault(layer, patches.new_empty(shape, device=device))
            of_layer[frames] = patches

    def _compute_maps(self, with_rays: bool) -> list[Maps]:
        """Maps of a few frames at a time, moved to the output device before the next are computed."""
        levels = self._levels.levels
        return [
            self._branch.head([level[frames] for level in levels], self._clip.grid, with_rays).to(
                self._request.output_device
            )
            for frames in groups(self._clip.count, self._request.head_frames_at_once)
        ]

    def _cameras_from_tokens(self) -> tuple[Tensor, Tensor]:
        """camera_from_world [N,3,4] and K [N,3,3] by the camera decoder."""
        tokens = torch.cat([self._camera_tokens[start] for start in sorted(self._camera_tokens)])
        decoder = self._branch.cam_dec
        return decode_cameras(decoder(tokens.to(decoder.fc_t.weight.dtype)).float(), self._clip.size)

    def _gaussians(self, output: ClipOutput) -> Gaussians[Tensor] | None:
        """One for every pixel, by the cameras that are predicted, where they are asked for.

        As the original returns them, they are scaled to the unit of given cameras. Otherwise they are in the unit of
        the output, seen by its cameras: of known intrinsics those are given, as they replace the predicted ones.
        """
        options, clip, config = self._request.gaussians, self._clip, self._branch.config.gaussians
        if options is None or config is None:
            return None
        assert output.camera_from_world is not None and output.intrinsics is not None
        poses, k, unit = _float64(output.camera_from_world), _float64(output.intrinsics), 1.0
        if clip.camera_from_world is not None:
            unit = pose_scale(_float64(clip.camera_from_world), poses) if options.raw else 1.0
        elif clip.intrinsics is not None and not options.raw:
            k = _float64(clip.intrinsics)
        decoder = GaussianDecoder(self._branch.gs_head, config.adapter, clip.grid, options)
        device = self._request.output_device or output.depth.device
        cameras = GaussianCameras(poses, k, unit)
        return decoder.decode(self._gaussian_levels.levels, clip.images, output.depth, cameras, device)

    def _cameras_from_rays(self, maps: list[Maps]) -> tuple[Tensor, Tensor]:
        rays = torch.cat([part.rays for part in maps if part.rays is not None])
        confidence = torch.cat([part.ray_confidence for part in maps if part.ray_confidence is not None])
        return cameras_from_rays(rays, confidence, self._clip.size, self._request.ray_fit)

    def _join(self, maps: list[Maps]) -> ClipOutput:
        depth = self._concatenate([part.depth for part in maps])
        assert depth is not None
        confidence, sky = ([getattr(part, name) for part in maps] for name in ("confidence", "sky"))
        return ClipOutput(depth, self._concatenate(confidence), self._concatenate(sky))

    def _concatenate(self, parts: list[Tensor | None]) -> Tensor | None:
        """[N,H,W] float32 of all frames; None for a map that the head does not give."""
        if parts[0] is None:
            return None
        whole = parts[0].new_empty((self._clip.count, *parts[0].shape[1:]), dtype=torch.float32)
        for frames, part in zip(groups(self._clip.count, self._request.head_frames_at_once), parts, strict=True):
            assert part is not None
            whole[frames] = part
        return whole


def _float64(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()


def _concatenate_groups(parts: list[ClipOutput]) -> ClipOutput:
    """Groups of frames of a branch without poses, one after the other."""
    sky = torch.cat([part.sky for part in parts if part.sky is not None])
    exported = {layer: torch.cat([part.exported[layer] for part in parts]) for layer in parts[0].exported}
    return ClipOutput(torch.cat([part.depth for part in parts]), sky=sky, exported=exported)
