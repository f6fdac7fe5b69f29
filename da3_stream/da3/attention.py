"""Attention that never builds the whole table of scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SCORES_AT_ONCE = 64 * 1024 * 1024  # entries of the table where no fused kernel serves: 256 MiB in float32


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q [n,heads,Tq,d] and k, v [n,heads,T,d].

    torch's fused kernels need memory for the result only. Where none serves, queries are taken in blocks: the table of
    120 frames of 504 x 280 would be 669 GB.
    """
    if has_fused_kernel(q, k, v):
        return functional.scaled_dot_product_attention(q, k, v)
    block = max(1, SCORES_AT_ONCE // (q.shape[0] * q.shape[1] * k.shape[2]))
    return torch.cat([functional.scaled_dot_product_attention(part, k, v) for part in q.split(block, dim=2)], dim=2)


def has_fused_kernel(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether torch has a kernel for these tensors that does not build the table of scores."""
    if q.device.type == "cpu":
        return True
    if q.device.type != "cuda":
        return False
    from torch.backends import cuda

    asked = cuda.SDPAParams(q, k, v, None, 0.0, False, False)
    return bool(cuda.can_use_flash_attention(asked) or cuda.can_use_efficient_attention(asked))
