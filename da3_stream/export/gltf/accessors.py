"""Arrays of a glTF asset, each a stream of rows of one kind in a file of its own until the asset is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
_VERTICES, _INDICES = 34962, 34963  # what a graphics card keeps a view for: ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER


@dataclass(frozen=True)
class Layout:
    """The rows of an accessor; `bounded` where the standard asks for min and max. Rows are multiples of 4 bytes."""

    type: str
    component: int
    dtype: DTypeLike
    normalized: bool = False
    bounded: bool = False
    target: int | None = None

    @property
    def width(self) -> int:
        """Components of a row."""
        return {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[self.type]


POSITION = Layout("VEC3", FLOAT, "<f4", bounded=True, target=_VERTICES)
NORMAL = Layout("VEC3", FLOAT, "<f4", target=_VERTICES)
COLOUR = Layout("VEC4", UNSIGNED_SHORT, "<u2", normalized=True, target=_VERTICES)
INDEX = Layout("SCALAR", UNSIGNED_INT, "<u4", target=_INDICES)
TIME = Layout("SCALAR", FLOAT, "<f4", bounded=True)
TRANSLATION = Layout("VEC3", FLOAT, "<f4")
ROTATION = Layout("VEC4", FLOAT, "<f4")


class AccessorStream:
    """An accessor that grows row by row; `number` is its own and that of its buffer view."""

    def __init__(self, number: int, layout: Layout, file: IO[bytes]) -> None:
        self.number, self.layout, self.file = number, layout, file
        self.count = self.nbytes = 0
        self._low, self._high = (np.full(layout.width, sign * np.inf) for sign in (1, -1))

    def write(self, rows: ArrayLike) -> None:
        """Append rows [M] or [M,width]."""
        values = np.ascontiguousarray(rows, self.layout.dtype)
        if not len(values):
            return
        if self.layout.bounded:
            columns = values.reshape(len(values), -1)
            self._low = np.minimum(self._low, columns.min(axis=0))
            self._high = np.maximum(self._high, columns.max(axis=0))
        self.file.write(values.data)
        self.count, self.nbytes = self.count + len(values), self.nbytes + values.nbytes

    def as_json(self) -> dict[str, Any]:
        """The accessor, over its whole buffer view."""
        tree: dict[str, Any] = {
            "bufferView": self.number,
            "componentType": self.layout.component,
            "type": self.layout.type,
            "count": self.count,
        }
        if self.layout.normalized:
            tree["normalized"] = True
        if self.layout.bounded:
            tree |= {"min": self._low.tolist(), "max": self._high.tolist()}
        return tree

    def view_json(self, offset: int) -> dict[str, Any]:
        """Its buffer view, where its bytes begin at `offset` of the buffer."""
        target = {} if self.layout.target is None else {"target": self.layout.target}
        return {"buffer": 0, "byteOffset": offset, "byteLength": self.nbytes, **target}
