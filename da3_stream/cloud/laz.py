"""LAZ files written and read in pieces (LAS 1.4, point format 7; laspy with lazrs). Equal points give equal bytes."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import StoreError
from ..store.files import replacing
from ..types import Float32, UInt8

NORMAL = ("NormalX", "NormalY", "NormalZ")  # as PDAL names them
NORMAL_STEP = 1 / 127


class LazWriter:
    """Takes points as they come. `scale` is the step of the coordinates, `extras` names further dimensions."""

    def __init__(self, file: BinaryIO, scale: float, normals: bool, extras: Mapping[str, DTypeLike]) -> None:
        import laspy

        header = laspy.LasHeader(point_format=7, version="1.4")
        header.creation_date = date(2000, 1, 1)
        header.generating_software = "da3_stream"
        header.scales, header.offsets = np.full(3, scale), np.zeros(3)
        dimensions = [laspy.ExtraBytesParams(name, kind) for name, kind in extras.items()]
        if normals:
            step, zero = np.array([NORMAL_STEP]), np.zeros(1)
            dimensions += [laspy.ExtraBytesParams(name, np.int8, scales=step, offsets=zero) for name in NORMAL]
        header.add_extra_dims(dimensions)
        self._header, self._normals = header, normals
        backend = laspy.LazBackend.Lazrs
        self._writer = laspy.LasWriter(file, header, do_compress=True, laz_backend=backend, closefd=False)
        self.count = 0

    def write(self, xyz: Float32, rgb: UInt8, normal: Float32 | None = None, **extras: NDArray[Any]) -> None:
        """Add points [M,3] with their colours, normals [M,3] where the file has them, and values [M] of the extras."""
        import laspy

        records = laspy.ScaleAwarePointRecord.zeros(len(xyz), header=self._header)
        for axis, name in enumerate("XYZ"):
            records[name] = np.rint(xyz[:, axis].astype(np.float64) / self._header.scales[axis]).astype(np.int32)
        for channel, name in enumerate(("red", "green", "blue")):
            records[name] = rgb[:, channel].astype(np.uint16) * 257
        if self._normals and normal is not None:
            for axis, name in enumerate(NORMAL):
                records.array[name] = np.rint(normal[:, axis] / NORMAL_STEP)
        for name, values in extras.items():
            records[name] = values
        self._writer.write_points(records)
        self.count += len(xyz)

    def finish(self) -> None:
        """Complete the header."""
        self._writer.close()


@contextlib.contextmanager
def writing_laz(
    path: Path, scale: float, *, normals: bool = False, extras: Mapping[str, DTypeLike] | None = None
) -> Iterator[LazWriter]:
    """A LAZ file that stands at `path` when the block ends, and not before."""
    with replacing(path) as file:
        writer = LazWriter(file, scale, normals, extras or {})
        yield writer
        writer.finish()


@contextlib.contextmanager
def reading_laz(path: Path) -> Iterator[Any]:
    """laspy's reader. Raises StoreError if the file is absent or damaged, also while it is read within the block."""
    import laspy

    damage = (laspy.errors.LaspyException, RuntimeError, OSError, ValueError, struct.error)  # lazrs: RuntimeError
    try:
        with laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
            yield reader
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the run directory is incomplete") from None
    except damage as error:
        raise StoreError(f"{path} is damaged: {type(error).__name__} {error}") from None
