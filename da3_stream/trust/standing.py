"""Poses that are held because nearly all of the picture stands: does the camera, or what hides the scene from it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..types import Advice, AdviceCode, Frame, Status, WindowGeometry
from .judge import statuses

VIEW_SHARE = "view_share"


def with_view_shares(window: WindowGeometry, frames: Sequence[Frame]) -> WindowGeometry:
    """The window with `Frame.view_share` of its frames as a witness of the rows that are held to stand, and said."""
    held = np.array([status is Status.HELD for status in statuses(window)])
    shares = np.array([np.nan if frame.view_share is None else frame.view_share for frame in frames])
    doubtful = np.flatnonzero(held & np.isfinite(shares))
    if not len(doubtful):
        return window
    first, last = frames[doubtful[0]], frames[doubtful[-1]]
    until = max([last.index, *(entry.index for entry in last.left_out)])
    text = (
        f"only {np.max(shares[doubtful]):.0%} of the picture moves, always the same part, and the rest never: is it "
        "the scene past something that goes with the camera? Then crop it to that part"
    )
    advice = Advice(AdviceCode.STANDING_DOUBTFUL, text, first.index, until)
    witnesses = {**window.witnesses, VIEW_SHARE: np.where(held, shares, np.nan)}
    return replace(window, witnesses=witnesses, advice=(*window.advice, advice))
