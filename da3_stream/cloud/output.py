"""The merged cloud on disk, in one of three formats; what was there before stays until the new one is whole."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..settings import CloudSettings
from ..store import Run
from ..store.files import json_page, write_text
from ..types import Float32
from .laz import LazWriter, writing_laz
from .ply import PlyWriter, writing_ply
from .tiles import Tiling
from .voxels import voxel_keys

NAMES = {"ply": "cloud.ply", "laz": "cloud.laz", "tiles": "tiles"}


@dataclass(frozen=True, eq=False)
class Cloud:
    """What is known of the whole cloud before it is written."""

    units: str
    voxel: float
    farthest: float  # largest coordinate
    tiling: Tiling

    @property
    def step(self) -> float:
        """Of coordinates in LAZ files: the power of ten below 1 % of a voxel, or what 30 bits reach."""
        fine = math.floor(math.log10(self.voxel / 100))
        return 10.0 ** max(fine, math.ceil(math.log10(max(self.farthest, 1e-300) / 2.0**30)))


class Output(Protocol):
    """Takes records (xyz, rgb, perhaps normal) tile by tile."""

    count: int

    def write(self, tile: int, records: NDArray[np.void]) -> None:
        """Add a tile's records."""
        ...


@contextmanager
def writing_cloud(run: Run, cloud: Cloud, settings: CloudSettings) -> Iterator[Output]:
    """The output that `settings.format` names; it stands in the run directory when the block ends, and not before."""
    path = run.path / NAMES[settings.format]
    if settings.format == "ply":
        with writing_ply(path, f"da3_stream, {cloud.units}", normals=settings.normals) as ply:
            yield _Ply(ply)
    elif settings.format == "laz":
        with writing_laz(path, cloud.step, normals=settings.normals) as laz:
            yield _Laz(laz, cloud.voxel)
    else:
        with _replacing_folder(path) as folder:
            tiles = _Tiles(folder, cloud, settings.normals)
            yield tiles
            tiles.finish()


@dataclass
class _Ply:
    writer: PlyWriter
    count: int = 0

    def write(self, tile: int, records: NDArray[np.void]) -> None:
        self.writer.write(records["xyz"], records["rgb"], _normals(records))
        self.count += len(records)


@dataclass
class _Laz:
    """Voxel by voxel within a tile, since neighbours compress well."""

    writer: LazWriter
    voxel: float
    count: int = 0

    def write(self, tile: int, records: NDArray[np.void]) -> None:
        ordered = records[np.argsort(voxel_keys(records["xyz"], self.voxel))]
        self.writer.write(ordered["xyz"], ordered["rgb"], _normals(ordered))
        self.count += len(records)


@dataclass
class _Tiles:
    """000000.laz and so on, and tiles.json with the cube of each."""

    folder: Path
    cloud: Cloud
    normals: bool
    count: int = 0
    index: list[dict[str, Any]] = field(default_factory=list)

    def write(self, tile: int, records: NDArray[np.void]) -> None:
        if not len(records):
            return
        name = f"{len(self.index):06d}.laz"
        with writing_laz(self.folder / name, self.cloud.step, normals=self.normals) as laz:
            _Laz(laz, self.cloud.voxel).write(tile, records)
        low, high = self.cloud.tiling.cube(tile, self.cloud.voxel)
        self.index.append({"file": name, "low": low, "high": high, "points": len(records)})
        self.count += len(records)

    def finish(self) -> None:
        facts = {"units": self.cloud.units, "voxel": self.cloud.voxel, "points": self.count, "tiles": self.index}
        write_text(self.folder / "tiles.json", json_page(facts))


def _normals(records: NDArray[np.void]) -> Float32 | None:
    return records["normal"] * np.float32(1 / 127) if "normal" in (records.dtype.names or ()) else None


@contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` that takes its place when the block ends well."""
    new = path.with_name(f".{path.name}.tmp")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        yield new
        shutil.rmtree(path, ignore_errors=True)
        new.rename(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
