"""SPZ, the compressed splats of Niantic, by gsply (optional extra `spz`).

Coordinates are whole numbers of 24 bits: in steps of 1/4096 they reach to 2048 on either side, and beyond they wrap in
some readers. So what lies farther counts from an origin of its own, which tiles.json tells, and a small scene has finer
steps. Axes are right, up, back, as the format wants them and its readers expect.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...types import Float32

REACH = 2048.0  # on either side of the origin, at the usual precision
USUAL_BITS, MOST_BITS = 12, 16  # of the fraction; of a coordinate 24
_CELL = 3072.0  # edge of a piece of its own, where the scene is larger than a file can be


def import_gsply() -> Any:
    """The library. Raises ExportError where it is not installed."""
    try:
        import gsply
    except ImportError:
        raise ExportError("spz needs the package gsply: pip install 'da3_stream[spz]'") from None
    return gsply


def write_spz(folder: Path, number: int, rows: Float32, bands: int) -> list[dict[str, Any]]:
    """Write the splats of a tile, rows of `splat_rows` with axes right, up, back, into files from `number` on; returns
    what tiles.json says of each: its bounds without the origin, and the origin [3] to be added."""
    told = list[dict[str, Any]]()
    for origin, piece in _pieces(rows):
        name = f"{number + len(told):04d}.spz"
        piece[:, :3] -= origin
        _write(folder / name, piece, bands)
        low, high = piece[:, :3].min(axis=0), piece[:, :3].max(axis=0)
        told.append({"file": name, "origin": origin, "min": low, "max": high, "splats": len(piece)})
    return told


def _pieces(rows: Float32) -> list[tuple[NDArray[np.float64], Float32]]:
    """The rows with an origin: all and the world's own, or those of each cell of a grid with its middle."""
    if np.abs(rows[:, :3]).max(initial=0) < REACH:
        return [(np.zeros(3), rows.copy())]
    cells, which = np.unique(np.floor(rows[:, :3] / _CELL), axis=0, return_inverse=True)
    return [((cell + 0.5) * _CELL, rows[which.ravel() == k]) for k, cell in enumerate(cells.astype(np.float64))]


def _write(path: Path, rows: Float32, bands: int) -> None:
    gsply = import_gsply()
    dc, rest, end = 6, 9, 9 + 3 * bands
    data = gsply.GSData.from_arrays(
        means=rows[:, :3],
        scales=rows[:, end + 1 : end + 4],
        quats=rows[:, end + 4 :],
        opacities=rows[:, end],
        sh0=rows[:, dc:rest],
        shN=rows[:, rest:end].reshape(len(rows), 3, bands).transpose(0, 2, 1) if bands else None,
        format="ply",
    )
    gsply.write_spz(path, data, fractional_bits=_fractional_bits(rows[:, :3]))


def _fractional_bits(xyz: Float32) -> int:
    """As many as leave room for the farthest coordinate."""
    farthest = max(float(np.abs(xyz).max(initial=0)), 1e-9)
    return int(np.clip(22 - math.floor(math.log2(farthest)), USUAL_BITS, MOST_BITS))
