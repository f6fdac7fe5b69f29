"""One branch of a model on one clip: backbone, head and camera parts in a schedule that holds little at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from .backbone import Backbone, Pass, Prefix, groups
from .camera import CameraDecoder, CameraEncoder, decode_cameras
from .config import NetworkConfig
from .embedding import PATCH, Grid
from .head import DenseHead, Maps
from .rays import cameras_from_rays


@dataclass(frozen=True, eq=False)
class Clip:
    """Images [N,3,H,W], and the cameras where they are known: poses [N,3 or 4,4] and K [N,3,3]."""

    images: Tensor
    camera_from_world: Tensor | None = None
    intrinsics: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def grid(self) -> Grid:
        """Rows and columns of patches."""
        return self.size[0] // PATCH, self.size[1] // PATCH


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of a clip, see `Network.forward`."""

    ref_view: str = "saddle_balanced"
    ref_index: int | None = None
    use_ray_pose: bool = False
    ransac_index: Tensor | None = None
    export_layers: frozenset[int] = frozenset()
    frames_at_once: int = 8

    @property
    def head_frames_at_once(self) -> int:
        """Fewer: maps are larger than tokens."""
        return max(1, self.frames_at_once // 4)


@dataclass(frozen=True, eq=False)
class ClipOutput:
    """What is known of a clip's N frames."""

    depth: Tensor  # [N,H,W]
    confidence: Tensor | None = None  # [N,H,W]
    sky: Tensor | None = None  # [N,H,W]
    camera_from_world: Tensor | None = None  # [N,3,4]
    intrinsics: Tensor | None = None  # [N,3,3]
    scale: Tensor | None = None
    exported: dict[int, Tensor] = field(default_factory=dict)  # layer -> [N,gh,gw,C]


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
        if self.config.vit.alternates:
            return self._together(clip, request)
        parts = [
            self._alone(replace(clip, images=clip.images[frames]), request)
            for frames in groups(len(clip.images), request.frames_at_once)
        ]
        return _concatenated(parts)

    def _alone(self, clip: Clip, request: Request) -> ClipOutput:
        """A group of frames that need no others."""
        taken = _Taken(self, clip, request)
        self.backbone.prefix(clip.images, taken.run())
        return replace(taken.maps(), exported=taken.exported)

    def _together(self, clip: Clip, request: Request) -> ClipOutput:
        """All frames of the clip at once."""
        taken = _Taken(self, clip, request)
        run = taken.run()
        prefix = self.backbone.prefix(clip.images, run)
        special, reference = self._special(clip, request, prefix)
        self.backbone.alternate(prefix.tokens, special, run)
        del prefix
        return replace(taken.result(), exported=_reference_first(taken.exported, reference, self.config.vit.alt_start))

    def _special(self, clip: Clip, request: Request, prefix: Prefix) -> tuple[Tensor, int]:
        """The tokens [N,C] that tell frames apart, and the reference frame (0 where cameras are known)."""
        if clip.camera_from_world is not None and clip.intrinsics is not None:
            return self.cam_enc(clip.camera_from_world[None], clip.intrinsics[None], clip.size)[0], 0
        chosen = self.backbone.reference(prefix, request.ref_view) if request.ref_index is None else request.ref_index
        return self.backbone.special_tokens(len(clip.images), chosen), chosen


class _Taken:
    """What the head needs of the tapped layers, projected as soon as it is there."""

    def __init__(self, branch: Branch, clip: Clip, request: Request) -> None:
        self._branch, self._clip, self._request = branch, clip, request
        self._levels: list[Tensor | None] = [None] * 4
        self._camera_tokens: dict[int, Tensor] = {}
        self.exported: dict[int, Tensor] = {}

    def run(self) -> Pass:
        """The pass that fills this."""
        wanted = self._request.export_layers
        watch = self._watch if wanted else None
        layers = frozenset(self._branch.config.out_layers)
        return Pass(self._clip.grid, self._request.frames_at_once, self._tap, watch, layers)

    def _tap(self, layer: int, frames: slice, tokens: Tensor) -> None:
        level = self._branch.config.out_layers.index(layer)
        projected = self._branch.head.project(level, tokens[:, 1:])
        if self._levels[level] is None:
            self._levels[level] = projected.new_empty((len(self._clip.images), *projected.shape[1:]))
        self._levels[level][frames] = projected  # type: ignore[index]
        if layer == self._branch.config.out_layers[-1]:
            self._camera_tokens[frames.start] = tokens[:, 0].clone()

    def _watch(self, layer: int, frames: slice, tokens: Tensor) -> None:
        if layer in self._request.export_layers:
            shown = self._branch.backbone.pretrained.norm(tokens)[:, 1:].unflatten(1, self._clip.grid)
            here = self.exported.setdefault(layer, shown.new_empty((len(self._clip.images), *shown.shape[1:])))
            here[frames] = shown

    def maps(self) -> ClipOutput:
        """Depth, confidence and sky of all frames."""
        return _from_maps(self._made(with_rays=False))

    def result(self) -> ClipOutput:
        """The maps, and the cameras from the tokens or from the rays."""
        request, size = self._request, self._clip.size
        made = self._made(request.use_ray_pose)
        if request.use_ray_pose:
            rays, confidence = (
                torch.cat([getattr(part, name) for part in made]) for name in ("rays", "ray_confidence")
            )
            poses, k = cameras_from_rays(rays, confidence, size, request.ransac_index)
        else:
            tokens = torch.cat([self._camera_tokens[start] for start in sorted(self._camera_tokens)])
            decoder = self._branch.cam_dec
            poses, k = decode_cameras(decoder(tokens.to(decoder.fc_t.weight.dtype)).float(), size)
        return replace(_from_maps(made), camera_from_world=poses, intrinsics=k)

    def _made(self, with_rays: bool) -> list[Maps]:
        levels = [level for level in self._levels if level is not None]
        return [
            self._branch.head([level[frames] for level in levels], self._clip.grid, with_rays)
            for frames in groups(len(self._clip.images), self._request.head_frames_at_once)
        ]


def _from_maps(maps: list[Maps]) -> ClipOutput:
    def joined(name: str) -> Tensor | None:
        values = [getattr(part, name) for part in maps]
        return None if values[0] is None else torch.cat(values).float()

    depth = joined("depth")
    assert depth is not None
    return ClipOutput(depth, joined("confidence"), joined("sky"))


def _concatenated(parts: list[ClipOutput]) -> ClipOutput:
    """Groups of frames of a branch without poses, one after the other."""
    sky = torch.cat([part.sky for part in parts if part.sky is not None])
    layers = parts[0].exported
    exported = {layer: torch.cat([part.exported[layer] for part in parts]) for layer in layers}
    return ClipOutput(torch.cat([part.depth for part in parts]), sky=sky, exported=exported)


def _reference_first(exported: dict[int, Tensor], reference: int, start: int) -> dict[int, Tensor]:
    """The order of frames that the original exports from the layer before frames meet on."""
    others = [i for i in range(len(next(iter(exported.values()), ()))) if i != reference]
    return {layer: x[[reference, *others]] if layer >= start - 1 else x for layer, x in exported.items()}
