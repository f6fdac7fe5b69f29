"""What goes with the camera, as run.json and the report tell it: how much of the image, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.masks import unpack_mask
from ..store.files import replacing
from ..types import Advice, AdviceCode, Frame, UInt8
from .elapsed import elapsed

MOST_CHANGES = 50  # of the history; what lies before its last so many is forgotten
WORTH_SAYING = 0.005  # of the image; less is no harm, right or wrong
SHADE = (220, 40, 40)  # of what goes with the camera, in the figure

Bool = NDArray[np.bool_]


@dataclass
class MaskLog:
    """The history of the masks of frames: `changes` are rows of (seconds, share of the image that is masked).

    `since_s` is the time from which on every frame has had a mask, None where the last one has none, and `latest` the
    last mask there was, with the image [H,W,3] that it was first seen on.
    """

    changes: list[tuple[float, float]] = field(default_factory=list)
    since_s: float | None = None
    latest: tuple[Bool, UInt8] | None = None
    _seen: Bool | None = None
    _drawn: bool = True

    def add(self, frames: Iterable[Frame]) -> None:
        """Take over the masks of the next frames."""
        for frame in frames:
            if not _same(frame.static_mask, self._seen):
                self._change(frame)
            self._seen = frame.static_mask

    def advice(self, frames: Sequence[Frame]) -> list[Advice]:
        """What is worth saying of these frames: the run of them, from first to last, that have a mask, if no speck."""
        shares = {frame.index: _share(frame.static_mask) for frame in frames if frame.static_mask is not None}
        if self.latest is None or max(shares.values(), default=0.0) < WORTH_SAYING:
            return []
        text = f"{_share(self.latest[0]):.0%} of the image goes with the camera and is left out; --mask off where not"
        return [Advice(AdviceCode.STATIC_MASK, text, min(shares), max(shares))]

    def as_json(self, first_time: float = 0.0) -> dict[str, Any] | None:
        """`static_mask` of run.json: share and beginning of the last mask, and the history; None without any. Its times
        count from that of the input's first frame."""
        if self.latest is None:
            return None
        masked = [time for time, share in self.changes if share > 0]
        since = self.since_s if self.since_s is not None else masked[-1]
        history = [{"from_s": elapsed(time, first_time), "share": share} for time, share in self.changes]
        share = round(_share(self.latest[0]), 4)
        return {"share": share, "since_s": elapsed(since, first_time), "history": history}

    def write_figure(self, path: Path) -> None:
        """Draw the last mask over the image that it was first seen on; does nothing where that was done before."""
        if self._drawn or self.latest is None:
            return
        import cv2

        mask, image = self.latest
        figure = np.where(mask[..., None], image, (image // 2 + np.array(SHADE) // 2).astype(np.uint8))
        with replacing(path) as file:
            file.write(cv2.imencode(".png", cv2.cvtColor(figure, cv2.COLOR_RGB2BGR))[1].tobytes())
        self._drawn = True

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on."""
        packed = None if self._seen is None else {"bits": np.packbits(self._seen), "shape": self._seen.shape}
        latest = None if self.latest is None else [np.packbits(self.latest[0]), self.latest[1]]
        return {"changes": self.changes, "since_s": self.since_s, "seen": packed, "latest": latest}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the figure is there, or will be drawn with the next mask."""
        self.changes = [(time, share) for time, share in state["changes"]]
        self.since_s = state["since_s"]
        seen, latest = state["seen"], state["latest"]
        self._seen = None if seen is None else unpack_mask(seen["bits"], seen["shape"])
        self.latest = None if latest is None else (unpack_mask(latest[0], latest[1].shape[:2]), latest[1])
        self._drawn = False

    def _change(self, frame: Frame) -> None:
        share = 0.0 if frame.static_mask is None else round(_share(frame.static_mask), 4)
        self.changes = [*self.changes, (frame.timestamp, share)][-MOST_CHANGES:]
        if frame.static_mask is None:
            self.since_s = None
            return
        self.since_s = frame.timestamp if self.since_s is None else self.since_s
        self.latest, self._drawn = (frame.static_mask, frame.image), False


def _share(mask: Bool) -> float:
    return float(1 - mask.mean())


def _same(a: Bool | None, b: Bool | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))
