"""A run as exporters read it: the frames that have a place, their cameras, pictures and depth, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ExportError
from ..geometry import resize_intrinsics
from ..store import (
    INTERPOLATED,
    PoseTable,
    Run,
    RunGeometry,
    frame_depth,
    frame_depth_size,
    frame_sky,
    open_run,
    pose_table,
    read_run_geometry,
)
from ..types import Float32, Float64, UInt8
from .options import FrameOptions, PictureOptions

if TYPE_CHECKING:
    from ..geometry.lens import Lens

log = logging.getLogger(__name__)

NEGLIGIBLE_PX = 1 / 3  # a lens that moves the corners by less was taken for a pinhole by the run, too


@dataclass(frozen=True, eq=False)
class View:
    """A selected frame that has a place in the world."""

    row: int  # of the run's table
    index: int  # in the input, before selection
    timestamp: float  # seconds
    segment: int
    world_from_camera: Float64  # [4,4], rigid
    intrinsics: Float64  # [3,3] in pixels of the input, first centre at 0.5
    has_depth: bool

    @property
    def name(self) -> str:
        """Its file name in an export, without suffix; in the order of the input."""
        return f"{self.index:06d}"

    @property
    def camera_from_world(self) -> Float64:
        """[4,4], rigid."""
        return np.linalg.inv(self.world_from_camera).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Camera:
    """What took a picture of `size` (width, height): see `Lens` (first pixel centre at 0.5)."""

    size: tuple[int, int]
    lens: Lens


@dataclass(frozen=True, eq=False)
class Reading:
    """What a run directory holds at one moment; pixels are read when they are asked for."""

    run: Run
    status: dict[str, Any]
    geometry: RunGeometry
    table: PoseTable

    @staticmethod
    def of(run_dir: Path) -> Reading:
        """Open a run, finished or going. Raises StoreError if it is none or is damaged."""
        run = open_run(run_dir)
        status, geometry = run.read_status(), read_run_geometry(run)
        return Reading(run, status, geometry, pose_table(status, geometry))

    @property
    def units(self) -> str:
        """ "metres" or "relative"."""
        return self.geometry.scene.units

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the input."""
        width, height = self.status["input"]["size"]
        return width, height

    @property
    def input_paths(self) -> tuple[str, ...]:
        """What opens the input again, absolute, also while the run is going; none where nobody can."""
        return tuple(self.status.get("input", {}).get("paths", ()) or self.run.read_input_paths())

    def rows(self, options: FrameOptions) -> list[int]:
        """Rows of the table that were asked for, with and without a place. Raises ExportError if there are none."""
        first, end = options.frames
        indices = self.table.source_index
        inside = (indices >= (first or 0)) & (indices < (np.inf if end is None else end))
        rows = np.flatnonzero(inside)[:: options.every].tolist()
        if not len(indices):
            raise ExportError(f"{self.run.path} holds no frames yet: nothing to export")
        if not rows:
            asked = f"{'' if first is None else first}:{'' if end is None else end}"
            raise ExportError(
                f"--frames {asked} holds no frame of {self.run.path}, which has {indices[0]} to {indices[-1]}"
            )
        return rows

    def views(self, options: FrameOptions, *, one_segment: bool = False) -> list[View]:
        """The frames asked for that have a place and intrinsics; of one segment only, the longest, where segments that
        nothing ties together make no sense. Raises ExportError if there are none."""
        unknown = np.isnan(self.table.world_from_camera.sum(axis=(1, 2)) + self.table.intrinsics.sum(axis=(1, 2)))
        rows = [row for row in self.rows(options) if not unknown[row]]
        if one_segment and rows:
            segments = self.table.segment[rows]
            longest = int(np.bincount(segments).argmax())
            others = int((segments != longest).sum())
            if others:
                log.warning("left out %d frames of other segments, which nothing ties to the longest one", others)
            rows = [row for row in rows if self.table.segment[row] == longest]
        if not rows:
            raise self.none_has("a place")
        return [self._view(row) for row in rows]

    def none_has(self, what: str) -> ExportError:
        """What to raise where none of the frames asked for has "a place" or "depth"."""
        return ExportError(f"none of the frames asked for has {what} in {self.run.path}: nothing to export")

    def all_views(self, options: FrameOptions) -> list[View]:
        """All frames asked for, also those without a place (NaN). Raises ExportError if there are none."""
        return [self._view(row) for row in self.rows(options)]

    def views_with_depth(self, options: FrameOptions, *, one_segment: bool = False) -> list[View]:
        """Those of `views` that have a depth map. Raises ExportError if there are none."""
        views = [view for view in self.views(options, one_segment=one_segment) if view.has_depth]
        if not views:
            raise self.none_has("depth")
        return views

    def camera(self, view: View, options: PictureOptions) -> Camera:
        """The camera of the view's picture as these options have it made."""
        from ..geometry.lens import Lens

        size = self.picture_size(options.resolution)
        lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, self.size, size))
        return Camera(size, lens if options.undistort else self._distorted(lens))

    def picture_size(self, resolution: Literal["input", "model"]) -> tuple[int, int]:
        """(width, height) of all pictures."""
        if resolution == "input":
            return self.size
        return next(iter(self.geometry.submaps.values())).depth_size

    def depth(self, view: View) -> tuple[Float32, Float32, Float64]:
        """Depth [H,W] in world units (0 = none), confidence [H,W] and intrinsics [3,3] of a pinhole at that size.

        Raises KeyError for a view without depth.
        """
        return frame_depth(self.run, self.geometry, view.index)

    def surface(self, view: View) -> tuple[Float32, Float32, Float64]:
        """What `depth` gives, with no depth and no confidence in the sky, whose depth models fill in."""
        depth, confidence, k = self.depth(view)
        sky = self.sky(view)
        return (depth, confidence, k) if sky is None else (np.where(sky, 0, depth), np.where(sky, 0, confidence), k)

    def pictures(self, views: Sequence[View], options: PictureOptions) -> Iterator[tuple[View, UInt8]]:
        """The views, ascending, with their pictures [H,W,3] RGB, of the size and without the distortion as asked for.

        Raises ExportError where the input is gone, live or another one now, and pictures at its resolution are asked
        for.
        """
        from .images.frame_images import input_pictures, model_pictures, resized

        read, size = input_pictures, self.size
        if options.resolution == "model":  # the run keeps them as the reader gave them, a few pixels larger for DA3
            read, size = model_pictures, self.picture_size("model")
        for view, picture in read(self, views):
            yield view, resized(self._straightened(picture, view) if options.undistort else picture, size)

    def depth_size(self, view: View) -> tuple[int, int]:
        """(width, height) of a view's depth map. Raises KeyError as `depth`."""
        return frame_depth_size(self.geometry, view.index)

    def sky(self, view: View) -> NDArray[np.bool_] | None:
        """Which pixels [H,W] of the depth map are sky, None where the model did not tell. Raises KeyError as `depth`.

        Their depth is large, not 0: models fill it in.
        """
        return frame_sky(self.run, self.geometry, view.index)

    def pictures_of_depth(self, views: Sequence[View], size: tuple[int, int]) -> Iterator[tuple[View, UInt8 | None]]:
        """The views, ascending, with their pictures as the pinhole of the depth maps sees them, of (width, height).

        From the input, or where that cannot be read again from the run (see `any_pictures`).
        """
        from .images.frame_images import any_pictures, resized

        for view, picture in any_pictures(self, views):
            yield view, None if picture is None else resized(self._straightened(picture, view), size)

    @cached_property
    def k1(self) -> float:
        """Radial term of the lens (see `Lens`), 0 where it is negligible or nothing is known of it."""
        camera = self.status.get("camera") or {}
        known = camera.get("corner_shift_px", 0.0) > NEGLIGIBLE_PX
        return float(camera.get("k1", 0.0)) if known else 0.0

    def _distorted(self, lens: Lens) -> Lens:
        from dataclasses import replace

        return replace(lens, k1=self.k1)

    def _straightened(self, picture: UInt8, view: View) -> UInt8:
        if not np.isfinite(view.intrinsics).all():  # of no known camera
            return picture
        from ..geometry.lens import Lens, Straightener

        size = (picture.shape[1], picture.shape[0])
        lens = Lens.from_matrix(resize_intrinsics(view.intrinsics, self.size, size))
        return Straightener(self._distorted(lens), size)(picture)

    def _view(self, row: int) -> View:
        table = self.table
        return View(
            row,
            int(table.source_index[row]),
            float(table.timestamp[row]),
            int(table.segment[row]),
            table.world_from_camera[row],
            table.intrinsics[row],
            table.status[row] != INTERPOLATED and bool(np.isfinite(table.depth_scale[row])),
        )


def paths(views: Sequence[View]) -> list[Float64]:
    """The cameras' centres [n,3] of every segment, in the order of the views."""
    segments = np.array([view.segment for view in views])
    centres = np.array([view.world_from_camera[:3, 3] for view in views])
    return [centres[segments == number] for number in np.unique(segments)]
