"""Reconstruction: a finished or running run directory, as a Python user reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .cloud import Points, points_in_world, read_page, read_ply
from .splats import frame_splats
from .store import INTERPOLATED, RunReader
from .types import Float32, Float64, Gaussians, UInt8

if TYPE_CHECKING:
    from .export.options import FrameOptions


class Reconstruction:
    """What a run directory held when it was opened; arrays have one row per selected frame, in order.

    Raises StoreError if the directory is not a run or is damaged.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self._reader = RunReader.open(Path(run_dir))
        self._poses = self._reader.poses
        self.path: Path = self._reader.path
        self.status: dict[str, Any] = self._reader.status

    @property
    def world_from_camera(self) -> Float64:
        """Poses [N,4,4], rigid, OpenCV axes; NaN where unknown."""
        return self._poses.world_from_camera

    @property
    def intrinsics(self) -> Float64:
        """Camera matrices [N,3,3] in pixels of the input, first pixel centre at 0.5; NaN where unknown."""
        return self._poses.intrinsics

    @property
    def timestamps(self) -> Float64:
        """Seconds [N]."""
        return self._poses.timestamp

    @property
    def source_indices(self) -> NDArray[np.int64]:
        """The indices [N] of the frames in the input, before selection."""
        return self._poses.source_index

    @property
    def segments(self) -> NDArray[np.int64]:
        """The segment [N] of each frame, -1 where it has no pose. Segments are not aligned with each other."""
        return self._poses.segment

    @property
    def frame_status(self) -> tuple[str, ...]:
        """OK, WEAK, HELD, TURNED or FAILED for each frame [N], INTERPOLATED for one that the gate left out, UNPLACED
        where it has no pose (yet). docs/trust.md explains each."""
        return self._poses.status

    @property
    def pose_confidence(self) -> Float64:
        """The probability [N] that each frame's pose is right, as docs/trust.md defines it; 0 without a pose."""
        return self._poses.confidence

    @property
    def interpolated(self) -> NDArray[np.bool_]:
        """Which frames [N] the gate left out of all windows: their poses lie between those of their neighbours, and
        they have no depth."""
        return np.array([status == INTERPOLATED for status in self._poses.status], np.bool_)

    @property
    def units(self) -> str:
        """ "metres" or "relative"."""
        return self._reader.units

    def __len__(self) -> int:
        return len(self._poses)

    def __repr__(self) -> str:
        placed = int((self.segments >= 0).sum())
        state = self.status.get("state", "unknown")
        return f"Reconstruction({str(self.path)!r}: {state}, {placed} of {len(self)} frames placed, {self.units})"

    def depth(self, row: int) -> Float32:
        """Depth map [H,W] of a row, in the units of the poses, 0 = none; read when asked for.

        Raises IndexError for a row out of range, KeyError where the frame has no depth.
        """
        return self._frame(row)[0]

    def confidence(self, row: int) -> Float32:
        """Confidence [H,W] of a row's depth, 0 = unusable; comparable within this run only. Errors as `depth`."""
        return self._frame(row)[1]

    def sky(self, row: int) -> NDArray[np.bool_] | None:
        """Which pixels [H,W] of a row's depth are sky, None where the model did not tell. Errors as `depth`."""
        return self._reader.sky(int(self.source_indices[row]))

    def mask(self, row: int) -> NDArray[np.bool_] | None:
        """Which pixels [h,w] of a row's image, at the size that the predictor took, count: False on what goes with the
        camera (a bonnet, burnt-in text). None where all count. Raises IndexError for a row out of range.
        """
        return self._reader.mask(int(self.source_indices[row]))

    def depth_intrinsics(self, row: int) -> Float64:
        """Camera matrix [3,3] in pixels of a row's depth map, mostly smaller than the input. Errors as `depth`."""
        return self._frame(row)[2]

    def gaussians(self, row: int) -> Gaussians[NDArray[Any]]:
        """The splats in the world that a row's frame made and the run keeps (`run --gaussians`), in the units of the
        poses; read when asked for.

        Raises IndexError for a row out of range, KeyError where the frame has none.
        """
        return frame_splats(self._reader.run, self._reader.geometry, int(self.source_indices[row]))

    def points(self) -> tuple[Float32, UInt8]:
        """(positions [M,3], colours [M,3]) of cloud.ply, read when asked for; a preview while the run goes on.

        Raises StoreError if there is no cloud yet.
        """
        return read_ply(self.path / "cloud.ply")

    def pages(self) -> Iterator[Points]:
        """Each submap's points in the world, with their frames and confidences, one submap at a time."""
        run, geometry = self._reader.run, self._reader.geometry
        for submap in geometry.submaps:
            yield points_in_world(read_page(run, submap), geometry, submap)

    def export(
        self,
        format: str,
        path: str | Path | None = None,
        options: FrameOptions | Mapping[str, Any] | None = None,
        *,
        overwrite: bool = False,
        progress: bool | Callable[[int, int], object] = False,
    ) -> Path:
        """Write the run, as its directory is now, in a format of other tools; returns where.

        `format` is a name of `export.formats.FORMATS`, `options` of its class there or a mapping of its fields;
        without `path` it goes to the folder `export` of the run directory. Raises ExportError with one sentence for
        an unknown format or option, for a target that exists (unless `overwrite`), and before it begins where the disk
        is too small.

        `progress` shows a bar with the time left on stderr; a function is called with how many frames are done and how
        many there are, for each kind of data from 0. A folder of files that was interrupted goes on where it stopped
        when it is asked for again, of the same state of the run and with the same options.
        """
        from .export.exporting import export_run

        target = None if path is None else Path(path)
        return export_run(self.path, format, target, options, overwrite=overwrite, progress=progress).path

    def _frame(self, row: int) -> tuple[Float32, Float32, Float64]:
        return self._reader.depth(int(self.source_indices[row]))
