"""What the heads need of the tapped layers, projected as soon as it is there, and made into maps at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..backbone.backbone import Pass, groups
from ..heads.camera import decode_cameras
from ..heads.dense import Maps
from ..heads.rays import cameras_from_rays
from .clip import Clip, ClipOutput, Request

if TYPE_CHECKING:
    from .branch import Branch


class Tapped:
    """Filled by the pass of a backbone (`run`), asked for its answer afterwards."""

    def __init__(self, branch: Branch, clip: Clip, request: Request) -> None:
        self._branch, self._clip, self._request = branch, clip, request
        self._levels: list[Tensor | None] = [None] * 4
        self._camera_tokens: dict[int, Tensor] = {}
        self.exported: dict[int, Tensor] = {}

    def run(self) -> Pass:
        """The pass that fills this."""
        watch = self._watch if self._request.export_layers else None
        layers = frozenset(self._branch.config.out_layers)
        return Pass(self._clip.grid, self._request.frames_at_once, self._tap, watch, layers)

    def maps(self) -> ClipOutput:
        """Depth, confidence and sky of all frames."""
        return replace(self._joined(self._made(with_rays=False)), exported=self.exported)

    def result(self) -> ClipOutput:
        """The maps, and the cameras from the tokens or from the rays."""
        made = self._made(self._request.use_ray_pose)
        poses, k = self._from_rays(made) if self._request.use_ray_pose else self._from_tokens()
        return replace(self._joined(made), camera_from_world=poses, intrinsics=k, exported=self.exported)

    def _tap(self, layer: int, frames: slice, tokens: Tensor) -> None:
        level = self._branch.config.out_layers.index(layer)
        projected = self._branch.head.project(level, tokens[:, 1:])
        if self._levels[level] is None:
            shape, dtype = (len(self._clip), *projected.shape[1:]), self._branch.backbone.kept_dtype
            self._levels[level] = projected.new_empty(shape, dtype=dtype)
        self._levels[level][frames] = projected  # type: ignore[index]
        if layer == self._branch.config.out_layers[-1]:
            self._camera_tokens[frames.start] = tokens[:, 0].clone()

    def _watch(self, layer: int, frames: slice, tokens: Tensor) -> None:
        if layer in self._request.export_layers:
            shown = self._branch.backbone.pretrained.norm(tokens)[:, 1:].unflatten(1, self._clip.grid)
            here = self.exported.setdefault(layer, shown.new_empty((len(self._clip), *shown.shape[1:])))
            here[frames] = shown

    def _made(self, with_rays: bool) -> list[Maps]:
        """Maps of a few frames at a time, each moved to where it is wanted before the next is made."""
        levels = [level for level in self._levels if level is not None]
        return [
            self._branch.head([level[frames] for level in levels], self._clip.grid, with_rays).to(self._request.maps_on)
            for frames in groups(len(self._clip), self._request.head_frames_at_once)
        ]

    def _from_tokens(self) -> tuple[Tensor, Tensor]:
        """camera_from_world [N,3,4] and K [N,3,3] by the camera decoder."""
        tokens = torch.cat([self._camera_tokens[start] for start in sorted(self._camera_tokens)])
        decoder = self._branch.cam_dec
        return decode_cameras(decoder(tokens.to(decoder.fc_t.weight.dtype)).float(), self._clip.size)

    def _from_rays(self, made: list[Maps]) -> tuple[Tensor, Tensor]:
        rays = torch.cat([part.rays for part in made if part.rays is not None])
        confidence = torch.cat([part.ray_confidence for part in made if part.ray_confidence is not None])
        return cameras_from_rays(rays, confidence, self._clip.size, self._request.ray_fit)

    def _joined(self, made: list[Maps]) -> ClipOutput:
        depth = self._whole([part.depth for part in made])
        assert depth is not None
        return ClipOutput(
            depth, self._whole([part.confidence for part in made]), self._whole([part.sky for part in made])
        )

    def _whole(self, parts: list[Tensor | None]) -> Tensor | None:
        """[N,H,W] float32."""
        if parts[0] is None:
            return None
        whole = parts[0].new_empty((len(self._clip), *parts[0].shape[1:]), dtype=torch.float32)
        for frames, part in zip(groups(len(self._clip), self._request.head_frames_at_once), parts, strict=True):
            assert part is not None
            whole[frames] = part
        return whole
