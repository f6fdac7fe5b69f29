"""The frames of a run that a page shows, and the tables that the page's script reads of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry import Sim3Array
from ...store import RunReader
from ...viewer.snapshot import Snapshot
from ...viewer.tables import WantedRows


@dataclass(frozen=True, eq=False)
class ShownFrames:
    """A run at one moment. A frame that is not selected has no pose in a page, so that nothing of it is drawn."""

    run: Snapshot
    reader: RunReader
    selected: NDArray[np.bool_]  # [N] rows of the table of frames

    @property
    def posed(self) -> NDArray[np.bool_]:
        """Which frames [N] are shown: selected, with a pose."""
        return self.selected & np.isfinite(self.run.poses.submaps.scale)

    def tables(self) -> dict[str, bytes]:
        """Answers by path: all frames, and the poses of those that are shown."""
        poses, hidden = self.run.poses, np.flatnonzero(~self.selected)
        shown = replace(poses, submaps=_without(poses.submaps, hidden), cameras=_without(poses.cameras, hidden))
        return {
            "/frames": self.run.frames.pack(0),
            "/poses": shown.pack_submaps(WantedRows()),
            "/cameras": shown.pack_cameras(WantedRows()),
        }

    def rows_of_levels(self, submap: int, header: dict[str, Any]) -> NDArray[np.bool_]:
        """Which of the rows that a submap's points are told by are of frames that are shown."""
        frames, wanted = self.run.frames, np.array(header["frames"], np.int64)
        if not len(frames):
            return np.zeros(len(wanted), np.bool_)
        rows = np.minimum(np.searchsorted(frames.source_index, wanted), len(frames) - 1)
        is_own = (frames.source_index[rows] == wanted) & (frames.submap[rows] == submap)
        return is_own & self.posed[rows]

    def scale(self, submap: int) -> float | None:
        """World units per unit of a submap, the median over its frames that are shown; None where none is."""
        rows = self.posed & (self.run.frames.submap == submap)
        return float(np.median(self.run.poses.submaps.scale[rows])) if rows.any() else None


def _without(transforms: Sim3Array, hidden: NDArray[np.int64]) -> Sim3Array:
    count = len(hidden)
    unknown = Sim3Array(np.full(count, np.nan), np.full((count, 3, 3), np.nan), np.full((count, 3), np.nan))
    return transforms.with_rows(hidden, unknown) if count else transforms
