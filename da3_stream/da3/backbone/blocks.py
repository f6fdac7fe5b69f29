"""A transformer block in pieces: keys and values apart from queries, so that groups of frames take turns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Kernel, attend
from .embedding import Rotary

BLOCK_EPS = 1e-6
HEAD_EPS = 1e-5


class LayerScale(nn.Module):
    """One learned factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """x [...,C] scaled."""
        return x * self.gamma


class Mlp(nn.Module):
    """Linear, GELU, linear."""

    def __init__(self, width_in: int, hidden: int, width_out: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width_in, hidden), nn.Linear(hidden, width_out)

    def forward(self, x: Tensor) -> Tensor:
        """x [...,width_in] -> [...,width_out]."""
        return self.fc2(functional.gelu(self.fc1(x.to(self.fc1.weight.dtype))))


class SwiGlu(nn.Module):
    """Gated feed-forward (Shazeer, "GLU variants improve transformer", 2020) of two thirds the width, in eights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = (int(4 * width * 2 / 3) + 7) // 8 * 8
        self.w12, self.w3 = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """x [...,C] -> [...,C]."""
        gate, value = self.w12(x.to(self.w12.weight.dtype)).chunk(2, dim=-1)
        return self.w3(functional.silu(gate) * value)


class Attention(nn.Module):
    """Multi-head self-attention whose queries are computed apart from keys and values."""

    def __init__(self, width: int, heads: int, normed: bool) -> None:
        super().__init__()
        self.heads, self.kernel = heads, Kernel.TORCH
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.q_norm = nn.LayerNorm(width // heads, eps=HEAD_EPS) if normed else nn.Identity()
        self.k_norm = nn.LayerNorm(width // heads, eps=HEAD_EPS) if normed else nn.Identity()

    def queries(self, x: Tensor) -> Tensor:
        """x [n,T,C] -> [n,heads,T,C/heads] float32."""
        return self.q_norm(self._part(x, 0, 1).float())

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [n,T,C] -> two of [n,heads,T,C/heads], keys in float32, values in the type of the weights."""
        return self.k_norm(self._part(x, 1, 2).float()), self._part(x, 2, 3)

    def _part(self, x: Tensor, start: int, stop: int) -> Tensor:
        width = x.shape[-1]
        rows = slice(start * width, stop * width)
        return (
            functional.linear(x.to(self.qkv.weight.dtype), self.qkv.weight[rows], self.qkv.bias[rows])
            .unflatten(-1, (self.heads, -1))
            .transpose(1, 2)
        )

    def gather(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention of queries [n,heads,Tq,d] over keys and values [n,heads,T,d], mixed over heads -> [n,Tq,C]."""
        return self.proj(attend(q, k, v, self.kernel).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + g1 Attention(LN(x)), then x + g2 FeedForward(LN(x)); all methods change x [n,T,C] in place.

    The residuals x, norms and scales are float32 whatever type the matrices have.
    """

    def __init__(
        self, width: int, heads: int, ffn_layer: str = "mlp", normed: bool = False, eps: float = BLOCK_EPS
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)
        self.attn = Attention(width, heads, normed)
        self.ls1, self.ls2 = LayerScale(width), LayerScale(width)
        self.mlp = Mlp(width, 4 * width, width) if ffn_layer == "mlp" else SwiGlu(width)

    def within(self, x: Tensor, rotary: Rotary | None = None) -> None:
        """Attention among the tokens of each row."""
        normed = self.norm1(x)
        self._add(x, normed, *self._keys_values(normed, rotary, 1), rotary, 1)

    def keys_values(self, x: Tensor, rotary: Rotary | None, frames: int) -> tuple[Tensor, Tensor]:
        """What others may attend to: two of [n,heads,T,d]; T holds the tokens of `frames` frames."""
        return self._keys_values(self.norm1(x), rotary, frames)

    def across(self, x: Tensor, k: Tensor, v: Tensor, rotary: Rotary | None, frames: int) -> None:
        """Attention over given keys and values, and the feed-forward."""
        self._add(x, self.norm1(x), k, v, rotary, frames)

    def _keys_values(self, normed: Tensor, rotary: Rotary | None, frames: int) -> tuple[Tensor, Tensor]:
        k, v = self.attn.keys_values(normed)
        return (k if rotary is None else rotary(k, frames)).to(v.dtype), v

    def _add(self, x: Tensor, normed: Tensor, k: Tensor, v: Tensor, rotary: Rotary | None, frames: int) -> None:
        q = self.attn.queries(normed)
        q = q if rotary is None else rotary(q, frames)
        x += self.ls1(self.attn.gather(q.to(v.dtype), k, v))
        x += self.ls2(self.mlp(self.norm2(x)))
