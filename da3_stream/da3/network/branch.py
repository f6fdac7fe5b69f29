"""One branch of a model on one clip: backbone, head and camera parts in a schedule that holds little at once."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..backbone.backbone import Backbone, Pass, Prefix, groups
from ..config import NetworkConfig
from ..heads.camera import CameraDecoder, CameraEncoder
from ..heads.dense import DenseHead
from .clip import Clip, ClipOutput, Request
from .frame_cache import FrameCache, Rows
from .tapped import Tapped

POOLING_POWER = 3  # of the mean over a frame's patches: the larger, the more the strongest count


class Branch(nn.Module):
    """A backbone with its head, and where it has poses the camera decoder and encoder."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone, self.head = Backbone(config.vit), DenseHead(config.head)
        if config.has_camera:
            self.cam_dec, self.cam_enc = CameraDecoder(config.head.dim_in), CameraEncoder(config.vit.embed_dim)

    def forward(self, clip: Clip, request: Request) -> ClipOutput:
        """Depth and what else the branch knows."""
        return self._together(clip, request) if self.config.vit.alternates else self._alone(clip, request)

    def _alone(self, clip: Clip, request: Request) -> ClipOutput:
        """Frames that need no others, in groups; those in the cache are not looked at again."""
        cache = self._cache(request)
        if cache is None:
            return self._in_groups(clip, request)

        def maps(places: list[int]) -> Rows:
            found = self._in_groups(clip.only(places), request)
            assert found.sky is not None
            return found.depth, found.sky

        depth, sky = cache.rows("maps", clip.keys, maps, keep=request.keep)
        return ClipOutput(depth, sky=sky)

    def _cache(self, request: Request) -> FrameCache | None:
        """None, too, where somebody waits for tokens of the layers that a frame in the cache does not go through."""
        early = self.config.vit.alternates and min(self.config.out_layers) < self.config.vit.alt_start
        return None if early or request.export_layers else request.cache

    def _in_groups(self, clip: Clip, request: Request) -> ClipOutput:
        parts = []
        for frames in groups(len(clip), request.frames_at_once):
            tapped = Tapped(self, clip.only(frames), request)
            self.backbone.prefix(clip.images[frames], tapped.run())
            parts.append(tapped.maps())
        return _concatenated(parts)

    def _together(self, clip: Clip, request: Request) -> ClipOutput:
        """All frames of the clip at once."""
        tapped = Tapped(self, clip, request)
        run = tapped.run()
        prefix = self._prefix(clip, request, run)
        descriptors = self._descriptors(prefix) if request.descriptors else None
        special, reference = self._special(clip, request, prefix)
        tokens = prefix.tokens.float()
        del prefix
        self.backbone.alternate(tokens, special, run)
        del tokens
        found = tapped.result()
        shown = _reference_first(found.exported, reference, self.config.vit.alt_start)
        return replace(found, descriptors=descriptors, exported=shown)

    def _prefix(self, clip: Clip, request: Request, run: Pass) -> Prefix:
        cache = self._cache(request)
        if cache is None:
            return self.backbone.prefix(clip.images, run)

        def tokens(places: list[int]) -> Rows:
            found = self.backbone.prefix(clip.only(places).images, run)
            return found.tokens, found.summary

        return Prefix(*cache.rows("tokens", clip.keys, tokens, keep=request.keep))

    def _descriptors(self, prefix: Prefix) -> Tensor:
        """[N,2C]: what each frame shows, from its special token and its pooled patches (generalised mean: Radenović et
        al., TPAMI 2019), each of length one."""
        pooled = [
            self.backbone.pretrained.norm(tokens.float())[1:].clamp(min=1e-6).pow(POOLING_POWER).mean(dim=0)
            for tokens in prefix.tokens
        ]
        patches = functional.normalize(torch.stack(pooled).pow(1 / POOLING_POWER), dim=-1)
        return torch.cat([functional.normalize(prefix.summary, dim=-1), patches], dim=-1)

    def _special(self, clip: Clip, request: Request, prefix: Prefix) -> tuple[Tensor, int]:
        """The tokens [N,C] that tell frames apart, and the reference frame (0 where cameras are known)."""
        if clip.camera_from_world is not None and clip.intrinsics is not None:
            poses, k = (x[None].to(self.cam_enc.device) for x in (clip.camera_from_world, clip.intrinsics))
            return self.cam_enc(poses, k, clip.size)[0].to(prefix.tokens.device), 0
        chosen = self.backbone.reference(prefix, request.ref_view) if request.ref_index is None else request.ref_index
        return self.backbone.special_tokens(len(clip), chosen), chosen


def _concatenated(parts: list[ClipOutput]) -> ClipOutput:
    """Groups of frames of a branch without poses, one after the other."""
    sky = torch.cat([part.sky for part in parts if part.sky is not None])
    exported = {layer: torch.cat([part.exported[layer] for part in parts]) for layer in parts[0].exported}
    return ClipOutput(torch.cat([part.depth for part in parts]), sky=sky, exported=exported)


def _reference_first(exported: dict[int, Tensor], reference: int, start: int) -> dict[int, Tensor]:
    """The order of frames that the original exports from the layer before frames meet on."""
    others = [i for i in range(len(next(iter(exported.values()), ()))) if i != reference]
    return {layer: x[[reference, *others]] if layer >= start - 1 else x for layer, x in exported.items()}
