"""How the scene moves in the image: corners tracked over a pair of frames, and a smooth flow through those moving."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

TILES = (4, 6)  # rows and columns of tiles, each with corners of its own: burnt-in text shall not have them all
TILE_COUNT = TILES[0] * TILES[1]
CORNERS_A_TILE = 10
LEAST_EIGENVALUE = 2e-5  # of the structure tensor as OpenCV scales it; about a gray level of contrast
LK_WINDOW, LK_LEVELS = (11, 11), 3
LK_STEPS, LK_PX = 12, 0.03  # of Newton; places need be known to a tenth of a pixel
ROUND_TRIP_PX = 0.5
STATIC_PX, MOVING_PX = 0.3, 0.7  # of the tracked image: below, a corner stands; above, it moves
MIN_MOVING = 15  # corners
MIN_TILES = 0.4  # share of the tiles with corners in which most move: less is what passes by a camera that stands
SURE_SHARE = 0.1  # of the moving corners that may move less than what is taken as the camera's turn
DIRECTIONS = 16  # in which turns are looked for
TURN_TILES = 0.6  # share of all tiles that show moving corners, for a turn: one side alone may have the flow of a drive
BESIDE = 0.06  # of the image's width: what is so far to the side is above all the same
NEAR_CELLS = 1.5  # standard deviation of nearness, in cells of the grid
MIN_COHERENT = 0.6  # share of the moving corners that agree with one smooth flow
FIT_ROUNDS = 4
DOUBT_PX = 0.7  # of the fitted flow, which is taken off it: near the focus of expansion nothing must have moved
RESIDUAL_PX, RESIDUAL_SHARE = 1.0, 0.4  # of a moving corner's length: a street's depths are not a plane's


@dataclass(frozen=True, eq=False)
class CornerTracks:
    """Corners of an image [n,2] and their displacements [n,2] to another one, in pixels of the tracked image.

    `difference` [n]: the mean difference, in gray levels, of what is around them in the two.
    """

    at: Float32
    displacement: Float32
    difference: Float32
    size: tuple[int, int]

    @cached_property
    def moving(self) -> NDArray[np.bool_]:
        """Which of them move [n]."""
        return np.linalg.norm(self.displacement, axis=1) > MOVING_PX

    @cached_property
    def tiles(self) -> NDArray[np.int64]:
        """The number of the tile [n] that each lies in."""
        return tile_numbers(self.at, self.size)

    def moving_tiles(self) -> float:
        """The share of the tiles with corners in which at least half of them move."""
        count = np.bincount(self.tiles, minlength=TILE_COUNT)
        moving = np.bincount(self.tiles, self.moving, TILE_COUNT)
        return float((moving[count > 1] >= 0.5 * count[count > 1]).mean()) if (count > 1).any() else 0.0


@dataclass(frozen=True, eq=False)
class SceneFlow:
    """A flow that is quadratic in the image's coordinates: coefficients [6,2] of 1, x, y, x², xy, y² (-1 to 1).

    `length` is the median length of the displacements that it was fitted to, `longest` their 0.9-quantile, `turn` [2]
    by how much all of the scene moves at least, as when the camera turns, `at` [n,2] the corners that move, and
    `residual` [n,2] by how much they differ from it.
    """

    coefficients: Float64
    length: float
    longest: float
    turn: Float32
    doubt: float
    at: Float32
    residual: Float32
    size: tuple[int, int]

    def on_grid(self, rows: int, columns: int) -> Float32:
        """The displacement [rows,columns,2] in pixels of the tracked image at the centres of a grid's cells.

        Near corners it is theirs, elsewhere the smooth flow's. What the fit may be wrong by is taken off.
        """
        x, y = np.meshgrid((np.arange(columns) + 0.5) / columns * 2 - 1, (np.arange(rows) + 0.5) / rows * 2 - 1)
        flow = (_terms(np.stack([x, y], -1).reshape(-1, 2)) @ self.coefficients).reshape(rows, columns, 2)
        flow += self._near_residual(rows, columns)
        length = np.maximum(np.linalg.norm(flow, axis=2, keepdims=True), 1e-9)
        flow *= np.maximum(np.minimum(length, self.longest) - DOUBT_PX, 0.0) / length
        return flow.astype(np.float32)

    def is_near(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """Whether the ground in each cell of a grid [rows,columns] would be near enough to move.

        A corner moves there or above, so farther away; or none moves below it, where the ground is nearer: what stands
        above moving ground, and below what stands too, may be too far away. So may a drone's sea under the horizon.
        """
        import cv2

        cells = (self.at / self.size * (columns, rows)).astype(int)
        moves = np.zeros((rows, columns), np.uint8)
        moves[cells[:, 1], cells[:, 0]] = 1
        wide = cv2.dilate(moves, np.ones((1, 2 * round(BESIDE * columns) + 1), np.uint8))
        above, below = np.maximum.accumulate(wide, axis=0), np.maximum.accumulate(wide[::-1], axis=0)[::-1]
        return (above > 0) | (below == 0)

    def _near_residual(self, rows: int, columns: int) -> Float32:
        """How moving corners near by differ from the flow [rows,columns,2]."""
        import cv2

        cells = (self.at / self.size * (columns, rows)).astype(int)
        sums = np.zeros((rows, columns, 3), np.float32)
        np.add.at(sums, (cells[:, 1], cells[:, 0]), np.column_stack([np.ones(len(cells)), self.residual]))
        sums = cv2.GaussianBlur(sums, (0, 0), NEAR_CELLS) * (2 * np.pi * NEAR_CELLS**2)
        return sums[..., 1:] / (sums[..., :1] + 0.5)  # type: ignore[no-any-return]


def tile_numbers(at: Float32, size: tuple[int, int], tiles: tuple[int, int] = TILES) -> NDArray[np.int64]:
    """The numbers [n] of the tiles (rows, columns) of an image of (width, height) in which points [n,2] lie."""
    rows = (at[:, 1] * tiles[0] / size[1]).astype(np.int64)
    return rows * tiles[1] + (at[:, 0] * tiles[1] / size[0]).astype(np.int64)


def find_corners(gray: UInt8) -> Float32:
    """Corners [n,2] of an image [h,w], the strongest ones of each tile (Shi and Tomasi 1994)."""
    import cv2

    eigenvalue = cv2.cornerMinEigenVal(gray, 3)
    peak = (eigenvalue == cv2.dilate(eigenvalue, np.ones((5, 5), np.uint8))) & (eigenvalue > LEAST_EIGENVALUE)
    peak[:3], peak[-3:], peak[:, :3], peak[:, -3:] = False, False, False, False
    y, x = np.nonzero(peak)
    tile = (y * TILES[0] // gray.shape[0]) * TILES[1] + x * TILES[1] // gray.shape[1]
    order = np.lexsort((-eigenvalue[y, x], tile))
    sorted_tile = tile[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_tile, sorted_tile)
    chosen = order[rank < CORNERS_A_TILE]
    return np.stack([x[chosen], y[chosen]], 1).astype(np.float32)


def track_corners(a: UInt8, b: UInt8, corners: Float32) -> CornerTracks:
    """Track corners [n,2] of image a into image b, forward and backward (pyramidal Lucas-Kanade, Bouguet 2000)."""
    size = (a.shape[1], a.shape[0])
    if not len(corners):
        return CornerTracks(corners, corners, corners[:, 0], size)
    there, found, difference = _lucas_kanade(a, b, corners)
    back, found_back, _ = _lucas_kanade(b, a, there)
    good = found & found_back & (np.linalg.norm(back - corners, axis=1) < ROUND_TRIP_PX)
    return CornerTracks(corners[good], (there - corners)[good], difference[good], size)


def _lucas_kanade(a: UInt8, b: UInt8, points: Float32) -> tuple[Float32, NDArray[np.bool_], Float32]:
    import cv2

    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, LK_STEPS, LK_PX)
    there, found, difference = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        a, b, points, None, winSize=LK_WINDOW, maxLevel=LK_LEVELS, criteria=stop
    )
    return there, found[:, 0] > 0, difference[:, 0]


def fit_flow(tracks: CornerTracks) -> SceneFlow | None:
    """The flow of the scene; None where the corners show none: the camera stands, or what moves is not the scene."""
    at, moved = tracks.at[tracks.moving], tracks.displacement[tracks.moving]
    if len(at) < MIN_MOVING:
        return None
    terms = _terms(at / tracks.size * 2 - 1)
    lengths = np.linalg.norm(moved, axis=1)
    allowed = RESIDUAL_PX + RESIDUAL_SHARE * lengths
    weight = np.ones(len(at))
    for _ in range(FIT_ROUNDS):
        weighted = terms * weight[:, None]
        ridge = np.diag([0.0, 0.1, 0.1, 1.0, 1.0, 1.0]) * len(at) * 0.02
        coefficients = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ moved).astype(np.float64)
        residual = np.linalg.norm(terms @ coefficients - moved, axis=1) / allowed
        weight = 1 / (1 + residual**2) ** 2
    if (residual < 1).mean() < MIN_COHERENT:
        return None
    median, longest = np.quantile(lengths, [0.5, 0.9])
    difference = (moved - terms @ coefficients).astype(np.float32)
    doubt = float(np.median(np.linalg.norm(difference, axis=1) / lengths))
    return SceneFlow(coefficients, float(median), float(longest), _turn(tracks), doubt, at, difference, tracks.size)


def _turn(tracks: CornerTracks) -> Float32:
    """The displacement [2] that nearly all moving corners have at least: none on a straight drive (it diverges)."""
    moved = tracks.displacement[tracks.moving]
    if len(np.unique(tracks.tiles[tracks.moving])) < TURN_TILES * TILES[0] * TILES[1]:
        return np.zeros(2, np.float32)
    angle = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    directions = np.stack([np.cos(angle), np.sin(angle)])
    least = np.quantile(moved @ directions, SURE_SHARE, axis=0)
    best = int(np.argmax(least))
    return (max(least[best], 0.0) * directions[:, best]).astype(np.float32)


def _terms(at: NDArray[np.floating]) -> Float64:
    x, y = at[:, 0].astype(np.float64), at[:, 1].astype(np.float64)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
