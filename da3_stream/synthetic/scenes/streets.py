"""The plan of the town: blocks of houses in a grid of streets, all measures in metres, block (0, 0) around the origin.

Blocks lie at multiples of the pitch; a loop of nx x ny blocks covers blocks (0..nx-1, 0..ny-1).
"""

from __future__ import annotations

from dataclasses import dataclass

HOUSES_M = (28.0, 36.0)  # the rectangle that a block's houses fill
PAVEMENT_M = 2.0
ROAD_M = 9.0
KERB_M = 0.12
SLAB_M = (HOUSES_M[0] + 2 * PAVEMENT_M, HOUSES_M[1] + 2 * PAVEMENT_M)
PITCH_M = (SLAB_M[0] + ROAD_M, SLAB_M[1] + ROAD_M)
_MOST_BLOCKS = 8  # on a side; longer ways take several laps
LANE_M = 1.3  # how far right of the middle of the road one drives


@dataclass(frozen=True)
class TownPlan:
    """A grid of blocks (east, north), with one more row on every side, and how many of them the traffic goes around."""

    blocks: tuple[int, int]
    traffic_blocks: tuple[int, int]

    def cells(self) -> list[tuple[int, int]]:
        """Every block that is built, the inner ones and the row around them."""
        return [(i, j) for i in range(-1, self.blocks[0] + 1) for j in range(-1, self.blocks[1] + 1)]

    def loop(self, right_m: float) -> list[tuple[float, float]]:
        """Corners of the drive around the traffic blocks, anticlockwise, `right_m` right of the middle of the road."""
        return corners_around((0, 0), (self.traffic_blocks[0] - 1, self.traffic_blocks[1] - 1), right_m)

    def centre(self) -> tuple[float, float]:
        """The point amid the inner blocks."""
        x, y = ((n - 1) / 2 * pitch for n, pitch in zip(self.blocks, PITCH_M, strict=True))
        return x, y


ONE_BLOCK = TownPlan((1, 1), (1, 1))


def corners_around(first: tuple[int, int], last: tuple[int, int], right_m: float) -> list[tuple[float, float]]:
    """Corners of the drive around blocks first..last, anticlockwise, `right_m` right of the middle of the road."""
    west, south = (first[k] * PITCH_M[k] - PITCH_M[k] / 2 - right_m for k in (0, 1))
    east, north = (last[k] * PITCH_M[k] + PITCH_M[k] / 2 + right_m for k in (0, 1))
    return [(east, south), (east, north), (west, north), (west, south)]


def figure_eight() -> list[tuple[float, float]]:
    """Corners of a figure eight: anticlockwise around block (0, 0), then clockwise around (1, 0).

    The street between them is driven up both times.
    """
    left, right = corners_around((0, 0), (0, 0), LANE_M), corners_around((1, 0), (1, 0), -LANE_M)
    return [right[3], left[1], left[2], left[3], left[0], right[2], right[1], right[0]]


def plan_for_drive(frames_per_lap: float, step_m: float) -> TownPlan:
    """The largest nearly square group of blocks that takes at least `step_m` a frame to drive around."""
    blocks = (1, 1)
    while blocks < (_MOST_BLOCKS, _MOST_BLOCKS):
        larger = (blocks[0] + 1, blocks[1]) if blocks[0] <= blocks[1] else (blocks[0], blocks[1] + 1)
        if 2 * sum(n * pitch for n, pitch in zip(larger, PITCH_M, strict=True)) > frames_per_lap * step_m:
            break
        blocks = larger
    return TownPlan(blocks, blocks)


def plan_for_flight(frames_per_lap: float) -> TownPlan:
    """Blocks enough for a lawn-mower flight: its square has about 9 m2 a frame (0.8 m by 12 m, less the turns)."""
    side = (frames_per_lap * 9.0) ** 0.5
    x, y = (min(max(1, round(side / pitch)), _MOST_BLOCKS) for pitch in PITCH_M)
    return TownPlan((x, y), (x, y))
