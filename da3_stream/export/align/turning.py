"""The vertices of a PLY file in a turned world: positions, normals and splats; all other properties stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...geometry import Sim3
from ...types import Float64
from .header import Element, PlyHeader
from .splats import is_splat, rest_names, turn_splats

POSITION, NORMAL = ("x", "y", "z"), ("nx", "ny", "nz")
_DIRECTED = {*POSITION, *NORMAL, "view_px", "vx", "vy", "vz"}  # of elements that only copying would leave behind


@dataclass(frozen=True)
class VertexTurn:
    """What a turn of the world does to the rows of an element `vertex`."""

    has_normals: bool
    splat: bool
    rest: tuple[str, ...]  # names of splats' coefficients beyond the mean colour

    @staticmethod
    def of(header: PlyHeader, path: Path) -> VertexTurn:
        """For a file with this header. Raises ExportError for what could not be turned rightly."""
        vertex = header.elements[0]
        _require_turnable(vertex, path)
        for other in header.elements[1:]:
            directed = sorted(_DIRECTED & {column.name for column in other.properties})
            if directed:
                raise ExportError(
                    f"{path} has {other.name} with {', '.join(directed)}, which would not be turned along"
                )
        names = {column.name for column in vertex.properties}
        splat = is_splat(names)
        return VertexTurn(set(NORMAL) <= names, splat, tuple(rest_names(names)) if splat else ())

    def apply(self, rows: NDArray[np.void], matrix: Sim3) -> NDArray[np.void]:
        """The rows, turned and moved by a rigid transform."""
        out = rows.copy()
        _put(out, POSITION, matrix.apply(vectors(rows, POSITION)))
        if self.has_normals:
            _put(out, NORMAL, vectors(rows, NORMAL) @ matrix.rotation.T)
        if self.splat:
            turn_splats(out, matrix.rotation, list(self.rest))
        return out


def vectors(rows: NDArray[np.void], names: tuple[str, ...] = POSITION) -> Float64:
    """[M,3] of three properties."""
    return np.stack([rows[name] for name in names], axis=1).astype(np.float64)


def _put(rows: NDArray[np.void], names: tuple[str, ...], values: Float64) -> None:
    for k, name in enumerate(names):
        rows[name] = values[:, k]


def _require_turnable(vertex: Element, path: Path) -> None:
    types = {column.name: column.type for column in vertex.properties}
    if vertex.name != "vertex" or not set(POSITION) <= set(types):
        raise ExportError(f"{path} holds no points that can be turned: its first element is not vertex with x, y and z")
    if any(column.count_type for column in vertex.properties) or len(types) < len(vertex.properties):
        raise ExportError(f"{path} has lists among its vertices' properties, or two of one name: it cannot be turned")
    integers = [name for name in (*POSITION, *NORMAL) if types.get(name, "f4")[0] != "f"]
    if integers:
        raise ExportError(f"{path} holds {', '.join(integers)} as whole numbers, which a turn would round: convert it")
