"""LAS and LAZ files in pieces (laspy with lazrs): LAS 1.4 with point format 7, or 1.2 with 2. Equal points give equal
bytes."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import StoreError
from ...store.files import replacing
from ...types import Float32, Float64, UInt8

LasVersion = Literal["1.2", "1.4"]
NORMAL = ("NormalX", "NormalY", "NormalZ")  # as PDAL names them
NORMAL_STEP = 1 / 127
NOTE_USER = "da3_stream"  # user id of this program's records in a file's header (VLR)


@dataclass(frozen=True, eq=False)
class LasLayout:
    """What a file holds and how: `scale` is the step of the coordinates, `extras` are extra dimensions."""

    scale: float
    offset: Float64 = field(default_factory=lambda: np.zeros(3))
    normals: bool = False
    extras: Mapping[str, DTypeLike] = field(default_factory=dict)
    compressed: bool = True
    crs: str | None = None  # anything that pyproj reads
    note: str = ""  # text, kept in the header as a record of this program
    version: LasVersion = "1.4"

    def header(self) -> Any:
        """laspy's header of a file of this layout. Raises StoreError for a coordinate system that it cannot hold."""
        import laspy

        is_new = self.version == "1.4"
        header = laspy.LasHeader(point_format=7 if is_new else 2, version=self.version)
        header.creation_date = date(2000, 1, 1)
        header.generating_software = "da3_stream"
        header.global_encoding.wkt = is_new  # as point formats from 6 on must have it, with or without a WKT
        header.scales, header.offsets = np.full(3, self.scale), self.offset
        dimensions = [laspy.ExtraBytesParams(name, kind) for name, kind in self.extras.items()]
        if self.normals:
            step, zero = np.array([NORMAL_STEP]), np.zeros(1)
            dimensions += [laspy.ExtraBytesParams(name, np.int8, scales=step, offsets=zero) for name in NORMAL]
        header.add_extra_dims(dimensions)
        if self.crs is not None:
            header.vlrs.extend(_crs_records(self.crs, self.version))
        if self.note:
            header.vlrs.append(laspy.VLR(NOTE_USER, 1, "of what the coordinates are", self.note.encode()))
        return header

    def steps(self, xyz: NDArray[np.floating]) -> NDArray[np.int32]:
        """Coordinates [M,3] as whole steps. Raises StoreError where they do not fit into 32 bits: no point wraps."""
        steps = np.rint((xyz.astype(np.float64) - self.offset) / self.scale)
        if not (np.abs(steps) < 2.0**31).all():
            raise StoreError(f"coordinates are not finite, or too large for LAS files in steps of {self.scale}")
        return steps.astype(np.int32)


def normal_steps(normal: NDArray[np.floating]) -> NDArray[np.int8]:
    """Normals [M,3] as LAS files hold them."""
    return np.rint(normal / NORMAL_STEP).astype(np.int8)


def pack_points(
    header: Any,
    steps: NDArray[np.int32],
    rgb: UInt8,
    normal: NDArray[np.int8] | None = None,
    extras: Mapping[str, NDArray[Any]] | None = None,
) -> Any:
    """laspy's points of a header's format: steps [M,3], colours, normals' steps and values [M] of the extras."""
    import laspy

    points = laspy.ScaleAwarePointRecord.zeros(len(steps), header=header)
    for axis, name in enumerate("XYZ"):
        points.array[name] = steps[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        points.array[name] = rgb[:, channel] * np.uint16(257)
    # the first return of one: both count from 1, in 4 bits each, in formats below 6 in 3
    points.array["bit_fields"] = 0x11 if header.point_format.id >= 6 else 0x09
    if normal is not None:
        for axis, name in enumerate(NORMAL):
            points.array[name] = normal[:, axis]
    for name, values in (extras or {}).items():
        points.array[name] = values
    return points


def _crs_records(crs: str, version: LasVersion) -> list[Any]:
    """WKT for LAS 1.4, EPSG numbers for 1.2. Raises StoreError where those are lacking."""
    from laspy.vlrs.geotiff import create_geotiff_projection_vlrs
    from laspy.vlrs.known import WktCoordinateSystemVlr

    system = coordinate_system(crs)
    if version == "1.4":
        return [WktCoordinateSystemVlr(wkt_of(system))]
    try:
        return list(create_geotiff_projection_vlrs(system))
    except RuntimeError:
        raise StoreError(
            f"LAS 1.2 names coordinate systems by their EPSG numbers, and '{system.name}' has none: give version=1.4"
        ) from None


def wkt_of(system: Any) -> str:
    """WKT 1 of pyproj's CRS, as LAS 1.4 asks (laspy writes WKT 2); WKT 2 of what WKT 1 cannot say, such as projected
    systems with heights over the ellipsoid."""
    from pyproj.exceptions import CRSError

    with contextlib.suppress(CRSError):
        text = system.to_wkt("WKT1_GDAL")
        if text:
            return str(text)
    return str(system.to_wkt())


def coordinate_system(crs: str) -> Any:
    """pyproj's CRS. Raises StoreError for one that it does not know."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{crs!r} is no coordinate system that pyproj knows: {reason}") from None


class LasWriter:
    """Writes points to a LAS or LAZ file, chunk by chunk."""

    def __init__(self, file: BinaryIO, layout: LasLayout) -> None:
        import laspy

        self._layout, self._header = layout, layout.header()
        backend = laspy.LazBackend.Lazrs if layout.compressed else None
        self._writer = laspy.LasWriter(
            file, self._header, do_compress=layout.compressed, laz_backend=backend, closefd=False
        )
        self.count = 0
        self.bounds = np.array([[np.inf] * 3, [-np.inf] * 3])  # of the points as they are read back

    def write(
        self, xyz: NDArray[np.floating], rgb: UInt8, normal: Float32 | None = None, **extras: NDArray[Any]
    ) -> None:
        """Add points [M,3] with their colours, normals [M,3] where the file has them, and values [M] of the extras."""
        steps = self._layout.steps(xyz)
        if len(steps):
            ends = np.stack([steps.min(axis=0), steps.max(axis=0)]) * self._layout.scale + self._layout.offset
            self.bounds = np.stack([np.minimum(self.bounds[0], ends[0]), np.maximum(self.bounds[1], ends[1])])
        normals = normal_steps(normal) if self._layout.normals and normal is not None else None
        points = pack_points(self._header, steps, rgb, normals, extras)
        self._writer.write_points(points)
        self.count += len(xyz)

    def finish(self) -> None:
        """Complete the header."""
        self._writer.close()


@contextlib.contextmanager
def create_las(path: Path, layout: LasLayout) -> Iterator[LasWriter]:
    """Write a LAS or LAZ file, which appears at `path` when the block ends, and not before.

    Raises StoreError where the disk refuses.
    """
    with replacing(path) as file, compressing(path):
        writer = LasWriter(file, layout)
        yield writer
        writer.finish()


@contextlib.contextmanager
def compressing(path: Path) -> Iterator[None]:
    """Raises StoreError where the disk refuses what is compressed within the block: lazrs does not say why."""
    import lazrs

    try:
        yield
    except lazrs.LazrsError as error:
        raise StoreError(f"cannot write {path}: the disk refuses ({error})") from error


@contextlib.contextmanager
def open_laz(path: Path) -> Iterator[Any]:
    """Open a LAZ file with laspy's reader.

    Raises StoreError if the file is absent or damaged, also while it is read within the block.
    """
    import laspy

    damage = (laspy.errors.LaspyException, RuntimeError, OSError, ValueError, struct.error)  # lazrs: RuntimeError
    try:
        with laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
            yield reader
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the run directory is incomplete") from None
    except damage as error:
        raise StoreError(f"{path} is damaged: {type(error).__name__} {error}") from None
