"""What both doors are asked for, checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import RenderingError


def checked_background(background: Sequence[float]) -> torch.Tensor:
    """Red, green and blue [3]. Raises RenderingError where it is none."""
    colour = torch.from_numpy(np.asarray(background, np.float32))
    if colour.shape != (3,) or not bool(colour.isfinite().all()):
        raise RenderingError(f"a background is red, green and blue, not {background!r}")
    return colour


def checked_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; None: CUDA where it is. Raises RenderingError where this machine has it not."""
    there = torch.cuda.is_available()
    try:
        device = torch.device(name or ("cuda" if there else "cpu"))
    except RuntimeError as error:
        raise RenderingError(f"there is no device {name!r}; choose cpu or cuda") from error
    if device.type == "cpu" or (device.type == "cuda" and there):
        return device
    raise RenderingError(f"splats can be drawn on cpu{' and cuda' if there else ''} here, not on {device}")
