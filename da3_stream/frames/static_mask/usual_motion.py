"""Where the image moves look after look, and where never: a drive behind a large overlay, or a passer-by?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scene_motion import CornerTracks, tile_numbers
from .standing import PATIENCE

Float64 = NDArray[np.float64]

CELLS = (8, 12)  # rows and columns
CELL_COUNT = CELLS[0] * CELLS[1]
MEMORY = 12  # looks after which what was seen of a cell has faded to 1/e
MIN_LOOKS, MIN_SEEN = 10, 2  # before which nothing is certain; before which a cell doesn't count
ALWAYS = 0.72  # how constantly the moving cells must move: a robot's arm, people and cars come and go
LEAST_SHARE = 0.1  # of the cells with corners that have to move; less is a fan, a flag, a screen
USUAL = 0.5  # of the looks in which a cell moves that usually does; and of those cells, to tell a drive from a stop
# Of the view past something that hides most of the image:
VIEW_SHARES = (0.03, 0.4)  # of the cells with corners; less is a pair of corners, more is found by other means
VIEW_ALWAYS, VIEW_REST = 0.64, 0.06  # as `ALWAYS`; how much the other cells may move
VIEW_TRAVEL_PX = 10.0  # of the tracked image, in `MEMORY` looks: leaves, flags and fans come back
REST_FRAMES = 15  # in turn without motion there: what moves next has to last, as at a stop


class UsualMotion:
    """How often each cell of the image moves when anything does.

    The edge of what goes with the camera stays where it is; so the same cells move in all looks and others in none.
    What passes a camera that stands comes into cells and leaves them. What flows by such a camera in one place without
    end, as a train or a river, can't be told from a drive behind a large overlay.
    """

    def __init__(self) -> None:
        self._share = np.zeros(CELL_COUNT)
        self._seen = np.zeros(CELL_COUNT, np.int64)
        self._looks = 0
        self._way, self._travel = np.zeros((CELL_COUNT, 2)), 0.0  # lately in each cell; the most since all was at rest
        self._quiet, self._moving = 0, PATIENCE  # frames in turn; of before the first one nothing is known

    def feed(self, tracks: CornerTracks) -> None:
        """Take note of whether what usually moves does so in the next frame, seen from the last look."""
        self._quiet = 0 if self.moving_share(tracks) >= USUAL else self._quiet + 1
        self._moving += 1
        if self._quiet >= REST_FRAMES:
            self._moving, self._travel = 0, 0.0

    def add(self, tracks: CornerTracks) -> None:
        """Take the next look, over which something has moved."""
        count, moving = _cells(tracks)
        seen = count > 0
        self._looks, self._seen[seen] = self._looks + 1, self._seen[seen] + 1
        weight = np.maximum(1.0 / np.maximum(self._seen, 1), 1.0 / MEMORY)
        self._share[seen] += (weight * (moving - self._share))[seen]
        self._way = (1.0 - 1.0 / MEMORY) * self._way + _ways(tracks)
        usual = self._share >= USUAL
        if usual.any():
            self._travel = max(self._travel, float(np.linalg.norm(self._way[usual], axis=1).mean()))

    @property
    def is_constant(self) -> bool:
        """Whether always the same cells move, as far as can be told yet: the mean share over what moves."""
        share = self._share[self._seen >= MIN_SEEN]
        if self._looks <= MIN_SEEN or not share.any():
            return True
        return bool((share**2).sum() >= ALWAYS * share.sum() and share.mean() >= LEAST_SHARE)

    @property
    def is_proven(self) -> bool:
        """Whether it is constant, and has been for long enough."""
        return self._looks >= MIN_LOOKS and self.is_constant

    @property
    def view_share(self) -> float | None:
        """The share of the image that alone moves, on and on and for long, while all else stands: the view past
        something that hides the rest, or what flows by without end; None where it is not so."""
        lasts = self._looks >= MIN_LOOKS and self._moving > PATIENCE and self._travel >= VIEW_TRAVEL_PX
        return self._share_of_view() if lasts else None

    @property
    def may_be_view(self) -> bool:
        """Whether it is so, as far as can be told yet."""
        return self._looks > MIN_SEEN and self._moving > 0 and self._share_of_view() is not None

    def _share_of_view(self) -> float | None:
        """The share of the image that moves; None unless it is always the same, and little, and the rest stands."""
        share = self._share[self._seen >= MIN_SEEN]
        if not len(share):
            return None
        constant = (share**2).sum() >= VIEW_ALWAYS * share.sum()
        apart = share[share < USUAL].sum() <= VIEW_REST * len(share)
        mean = float(share.mean())
        return mean if constant and apart and VIEW_SHARES[0] <= mean <= VIEW_SHARES[1] else None

    def explains(self, tracks: CornerTracks) -> bool:
        """Whether what moves now may be the scene beside what goes with the camera: it is what always moves."""
        return self.is_constant and (self._looks <= MIN_SEEN or self.moving_share(tracks) >= USUAL)

    def moving_share(self, tracks: CornerTracks) -> float:
        """The share of the cells that usually move, and show corners, that do so now."""
        count, moving = _cells(tracks)
        usual = (count > 0) & (self._share >= USUAL)
        return float(moving[usual].mean()) if usual.any() else 0.0

    def state(self) -> dict[str, Any]:
        """What `restore` needs, in numbers and arrays."""
        counts = {"looks": self._looks, "quiet": self._quiet, "moving": self._moving, "travel": self._travel}
        return {"share": self._share.copy(), "seen": self._seen.copy(), "way": self._way.copy(), **counts}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._share, self._seen, self._looks = state["share"].copy(), state["seen"].copy(), state["looks"]
        self._way, self._travel = state["way"].copy(), state["travel"]
        self._quiet, self._moving = state["quiet"], state["moving"]


def _cells(tracks: CornerTracks) -> tuple[NDArray[np.int64], Float64]:
    """How many corners each cell has [n], and 1 where at least half of them move, else 0 [n]."""
    cells = tile_numbers(tracks.at, tracks.size, CELLS)
    count = np.bincount(cells, minlength=CELL_COUNT)
    moving = np.bincount(cells, tracks.moving, CELL_COUNT)
    return count, ((count > 0) & (moving >= 0.5 * count)).astype(np.float64)


def _ways(tracks: CornerTracks) -> Float64:
    """How far the corners that move have moved in each cell [n,2], as a mean; 0 where none does."""
    cells = tile_numbers(tracks.at, tracks.size, CELLS)[tracks.moving]
    sums = [np.bincount(cells, of, CELL_COUNT) for of in tracks.displacement[tracks.moving].T]
    return np.stack(sums, axis=1) / np.maximum(np.bincount(cells, minlength=CELL_COUNT), 1)[:, None]
