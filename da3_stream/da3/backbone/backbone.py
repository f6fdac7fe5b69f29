"""The vision transformer: DINOv2 whose later layers attend, by turns, within a frame and across all frames.

Oquab et al., "DINOv2" (2023); the alternation as in Wang et al., "VGGT" (CVPR 2025). Token-wise work goes by groups of
frames over one residual buffer; a layer across frames keeps keys and values of all frames, and computes queries by
groups. The reference frame is not moved to the front: a layer across frames does not mind the order of frames.

Numbers of frames are `shape[0]`, never len(): when torch.export traces the network, as for ONNX files, len() makes a
constant of a dimension that may vary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..config import BackboneConfig
from .blocks import HEAD_EPS, Block
from .embedding import PATCH, Grid, Rotary, global_rotary, local_rotary, normalise_images, position_table
from .reference_view import choose_reference

Tap = Callable[[int, slice, Tensor], None]  # layer, frames, tokens [n,1+P,C or 2C] as the heads take them
Watch = Callable[[int, slice, Tensor], None]  # layer, frames, their tokens [n,1+P,C] after it


class PatchEmbed(nn.Module):
    """Squares of 14 x 14 pixels to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, images: Tensor) -> Tensor:
        """[n,3,H,W] -> [n,P,C], row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


@dataclass(eq=False)
class Prefix:
    """The output of the layers that see one frame only. It depends on no other frame, so it may be cached."""

    tokens: Tensor  # [N,1+P,C] before the first layer that alternates, in `Backbone.kept_dtype`
    summary: Tensor  # [N,C] class tokens one layer earlier, from which the reference frame is chosen


@dataclass(frozen=True, eq=False)
class Pass:
    """Settings of one pass of a clip through the backbone: group size, and who gets the tokens of which layers."""

    grid: Grid
    group: int  # frames per group
    tap: Tap
    watch: Watch | None = None
    taps: frozenset[int] = field(default_factory=frozenset)


class Backbone(nn.Module):
    """All layers; parameters lie under `pretrained`, as in the checkpoints."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.pretrained = _Parameters(config)

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrices; residuals, norms and tables are float32."""
        return self.pretrained.patch_embed.proj.weight.dtype

    @property
    def kept_dtype(self) -> torch.dtype:
        """Of what is kept of all frames at once: bfloat16 where the matrices are; float16 has not the range."""
        return torch.bfloat16 if self.dtype == torch.bfloat16 else torch.float32

    def prefix(self, images: Tensor, run: Pass) -> Prefix:
        """The per-frame layers (all, in a model that does not alternate), for images [N,3,H,W] normalised or uint8
        [N,H,W,3]."""
        vit, last = self.pretrained, self.config.alt_start if self.config.alternates else self.config.depth
        table = position_table(vit.pos_embed, run.grid)
        rotary = self._rotary(run.grid, local_rotary) if 0 <= self.config.rope_start < last else None
        tokens = table.new_empty((images.shape[0], *table.shape), dtype=self.kept_dtype)
        summary = table.new_empty((images.shape[0], table.shape[1]))
        for frames in groups(images.shape[0], run.group):
            x = self._embed(images[frames], table)
            for layer in range(last):
                if layer == last - 1:
                    summary[frames] = x[:, 0]
                self._block(layer).within(x, rotary if layer >= self.config.rope_start >= 0 else None)
                self._emit(layer, frames, x, x, run)
            tokens[frames] = x
        return Prefix(tokens, summary)

    def _embed(self, images: Tensor, table: Tensor) -> Tensor:
        """Tokens [n,1+P,C] float32 of images, with their position embedding."""
        vit = self.pretrained
        pixels = normalise_images(images) if images.dtype == torch.uint8 else images
        patches = vit.patch_embed(pixels.to(self.dtype)).float()
        return torch.cat([vit.cls_token.float().expand(images.shape[0], -1, -1), patches], dim=1) + table

    def reference(self, prefix: Prefix, strategy: str) -> int | Tensor:
        """The reference frame, whose camera is the origin; the first where there are fewer than three."""
        return choose_reference(prefix.summary, strategy) if prefix.summary.shape[0] >= 3 else 0

    def alternate(self, tokens: Tensor, camera_tokens: Tensor, run: Pass) -> None:
        """The layers in which frames attend to each other, in place on tokens [N,1+P,C]; `camera_tokens` [N,C] replace
        the class token of every frame."""
        tokens[:, 0] = camera_tokens.to(tokens.dtype)
        rotaries = self._rotary(run.grid, local_rotary), self._rotary(run.grid, global_rotary)
        for layer in range(self.config.alt_start, self.config.depth):
            across = self.config.is_global(layer)
            rotary = rotaries[across] if layer >= self.config.rope_start >= 0 else None
            (self._global_layer if across else self._local_layer)(layer, tokens, rotary, run)

    def camera_tokens(self, count: int, reference: int | Tensor) -> Tensor:
        """[count,C]: the first camera token for the reference frame, the second for all others."""
        first, others = self.pretrained.camera_token[0]
        is_first = torch.arange(count, device=first.device) == reference
        return torch.where(is_first[:, None], first, others)

    def _block(self, layer: int) -> Block:
        block = self.pretrained.blocks[layer]
        assert isinstance(block, Block)
        return block

    def _local_layer(self, layer: int, tokens: Tensor, rotary: Rotary | None, run: Pass) -> None:
        for frames in groups(tokens.shape[0], run.group):
            x = tokens[frames]
            self._block(layer).within(x, rotary)
            self._emit(layer, frames, x, x, run)

    def _global_layer(self, layer: int, tokens: Tensor, rotary: Rotary | None, run: Pass) -> None:
        """Keys and values of all frames first, then queries and feed-forward by groups.

        Before its own group is reached, a frame's tokens are still those of the local layer before, which the heads
        take beside the new ones.
        """
        block = self._block(layer)
        k, v = self._keys_values(block, tokens, rotary, run.group)
        for frames in groups(tokens.shape[0], run.group):
            x = tokens[frames]
            local = x.clone() if layer in run.taps else x
            block.across(x.view(1, -1, x.shape[-1]), k, v, rotary, x.shape[0])
            self._emit(layer, frames, local, x, run)

    def _keys_values(self, block: Block, tokens: Tensor, rotary: Rotary | None, group: int) -> tuple[Tensor, Tensor]:
        """Two of [1,heads,N*(1+P),d]."""
        count, length, width = tokens.shape
        shape = (1, self.config.num_heads, count * length, width // self.config.num_heads)
        k, v = (tokens.new_empty(shape, dtype=self.dtype) for _ in range(2))
        for frames in groups(count, group):
            x = tokens[frames]
            rows = slice(frames.start * length, frames.stop * length)
            k[:, :, rows], v[:, :, rows] = block.keys_values(x.view(1, -1, width), rotary, x.shape[0])
        return k, v

    def _emit(self, layer: int, frames: slice, local: Tensor, x: Tensor, run: Pass) -> None:
        """Hand the tokens of a layer to the tap and to the watch of this pass."""
        if layer in run.taps:
            run.tap(layer, frames, self._tap_tokens(local, x))
        if run.watch is not None:
            run.watch(layer, frames, x)

    def _tap_tokens(self, local: Tensor, x: Tensor) -> Tensor:
        """What the heads take [n,1+P,C or 2C]: the camera token raw, the patches normed; where the model joins the
        local layer's tokens to them, those are raw."""
        normed = self.pretrained.norm(x)
        normed[:, 0] = x[:, 0]
        return torch.cat([local, normed], dim=-1) if self.config.cat_token else normed

    def _rotary(self, grid: Grid, kind: Callable[[Grid, int, torch.device], Rotary]) -> Rotary:
        return kind(grid, self.config.embed_dim // self.config.num_heads, self.pretrained.cls_token.device)


class _Parameters(nn.Module):
    """The tensors of a backbone under their names in the checkpoints."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        width = config.embed_dim
        self.patch_embed = PatchEmbed(width)
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + 37 * 37, width))
        if config.alternates:
            self.camera_token = nn.Parameter(torch.empty(1, 2, width))
        starts = config.qknorm_start if config.qknorm_start >= 0 else config.depth
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.ffn_layer, layer >= starts) for layer in range(config.depth)
        )
        self.norm = nn.LayerNorm(width, eps=HEAD_EPS)


def groups(count: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size`. One slice where all fit, also of a count that torch.export leaves open."""
    start = 0
    while start < count:
        yield slice(start, start + size if start + size < count else count)  # min() would be a symbol under export
        start += size
