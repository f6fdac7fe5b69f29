"""`gs_ply` and `spz`: splats of a run, sorted into tiles on the disk, and then a file for each tile.

A tile is a node of an octree, so that files join without gaps; small runs have one, 0000.ply. Memory is bounded by a
tile, whatever the length of the run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...cloud import Crop, FileAxes
from ...cloud.files.ply import ply_comments
from ...cloud.fusion.spill import SpillFile
from ...store import RunReader
from ...store.files import json_page, write_text
from ...types import Float32, move_in_place
from ...types.splat_rows import splat_ply_header, splat_properties, splat_rows
from ..axes import file_axes
from ..cloud.files import cloud_summary, point_selection
from .sources import SplatSource, splat_source
from .spz import import_gsply, write_spz

if TYPE_CHECKING:
    from ..options import SplatOptions
    from ..progress import Progress

_AT_ONCE = 1 << 18  # rows that are copied together

# Writes a tile into files of a folder, the first of them numbered; returns what tiles.json says of each.
WriteTile = Callable[["SplatTile", Path, int], list[dict[str, Any]]]


@dataclass(frozen=True, eq=False)
class SplatTile:
    """The splats of a tile on the disk, as rows of numbers, and what files say of them."""

    spill: SpillFile
    number: int
    bands: int
    comments: list[str]

    def rows(self, at_once: int) -> Iterable[Float32]:
        """The rows [M,...], piece by piece."""
        return (records["row"] for records in self.spill.chunks(self.number, at_once))

    def __len__(self) -> int:
        return self.spill.records_in(self.number)


def export_gs_ply(reader: RunReader, path: Path, options: SplatOptions, progress: Progress) -> str:
    """A folder with 0000.ply and so on, and tiles.json."""
    axes = file_axes(reader, options.axes, relative="world")
    return _export(reader, path, options, progress, axes, _write_ply)


def export_spz(reader: RunReader, path: Path, options: SplatOptions, progress: Progress) -> str:
    """A folder with 0000.spz and so on, right, up and back, and tiles.json. Raises ExportError without gsply."""
    import_gsply()
    axes = file_axes(reader, options.axes, relative="upright").y_up()
    return _export(reader, path, options, progress, axes, _write_spz)


def _export(
    reader: RunReader, path: Path, options: SplatOptions, progress: Progress, axes: FileAxes, write: WriteTile
) -> str:
    selection = point_selection(reader, options, axes)
    source = splat_source(reader, selection, options, path.parent)
    bands = (min(source.degree, options.degree) + 1) ** 2 - 1
    dtype = np.dtype([("row", "<f4", len(splat_properties(bands)))])
    with tempfile.TemporaryFile(dir=path.parent) as file:
        spill = SpillFile(file, dtype)
        _sort(source, spill, selection.crop, axes, bands, progress)
        index, comments = list[dict[str, Any]](), [*ply_comments(axes), source.note]
        for number in progress.each("tiles of splats", spill.tiles(), len(spill.tiles())):
            index += write(SplatTile(spill, number, bands, comments), path, len(index))
    head = axes.json() | {"note": source.note, "degree": min(source.degree, options.degree), "splats": spill.count}
    write_text(path / "tiles.json", json_page(head | {"tiles": index}))
    files = f" in {len(index)} files" if len(index) != 1 else ""
    return cloud_summary(axes, spill.count, f"{files} ({source.note})", crop=selection.crop, what="splats")


def _sort(
    source: SplatSource, spill: SpillFile, crop: Crop | None, axes: FileAxes, bands: int, progress: Progress
) -> None:
    """All splats that lie in the crop, as rows in the axes of the file, by their tiles."""
    for tiles, gaussians in source.splats(progress):
        if crop is not None:
            inside = crop.contains(gaussians.means)
            tiles, gaussians = tiles[inside], gaussians.take(inside)
        if len(gaussians):
            move_in_place(gaussians, axes.file_from_world)
            records = np.empty(len(gaussians), spill.dtype)
            records["row"] = splat_rows(gaussians, bands)
            spill.add(tiles, records)


def _write_ply(tile: SplatTile, folder: Path, number: int) -> list[dict[str, Any]]:
    name, bounds = f"{number:04d}.ply", _Bounds()
    with open(folder / name, "wb") as file:
        file.write(splat_ply_header(len(tile), tile.bands, tile.comments))
        for rows in tile.rows(_AT_ONCE):
            bounds.add(rows[:, :3])
            file.write(np.ascontiguousarray(rows).data)
    return [{"file": name, **bounds.json(), "splats": len(tile)}]


def _write_spz(tile: SplatTile, folder: Path, number: int) -> list[dict[str, Any]]:
    rows = np.concatenate(list(tile.rows(_AT_ONCE)))
    return write_spz(folder, number, rows, tile.bands)


class _Bounds:
    """Of points that come piece by piece."""

    def __init__(self) -> None:
        self._low, self._high = np.full(3, np.inf), np.full(3, -np.inf)

    def add(self, xyz: Float32) -> None:
        self._low, self._high = np.minimum(self._low, xyz.min(axis=0)), np.maximum(self._high, xyz.max(axis=0))

    def json(self) -> dict[str, Any]:
        """For tiles.json."""
        return {"min": self._low, "max": self._high}
