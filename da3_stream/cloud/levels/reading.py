"""Reading a submap's levels of detail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import StoreError
from ...types import Float64, UInt8
from .layout import HEAD, MAGIC, POINT_BYTES, STEPS, decode_confidence

_MOST_HEADER = 1 << 26


@dataclass(frozen=True)
class SubmapLevels:
    """A file of levels of detail: its header is read when it is opened, and blocks when they are asked for."""

    path: Path
    text: bytes  # the header, JSON as it stands in the file
    start: int  # of the first block, in bytes

    @staticmethod
    def open(path: Path) -> SubmapLevels:
        """Raises StoreError if the file is absent or damaged."""
        try:
            with open(path, "rb") as file:
                head = file.read(HEAD.size)
                magic, length = HEAD.unpack(head) if len(head) == HEAD.size else (b"", 0)
                text = file.read(length) if magic == MAGIC and length <= _MOST_HEADER else b""
                size = path.stat().st_size
        except FileNotFoundError:
            raise StoreError(f"{path} is missing: the run directory is incomplete") from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
        levels = SubmapLevels(path, text, -(-(HEAD.size + length) // 8) * 8)
        if magic != MAGIC or len(text) != length or size != levels.start + POINT_BYTES * levels.count:
            raise StoreError(f"{path} is damaged: it does not hold what its header tells")
        return levels

    @cached_property
    def header(self) -> dict[str, Any]:
        """What `layout` says. Raises StoreError if it is damaged."""
        try:
            header: dict[str, Any] = json.loads(self.text, parse_constant=_refuse)
            _check(header)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"{self.path} is damaged: {type(error).__name__} {error}") from None
        return header

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The header's."""
        nodes: list[dict[str, Any]] = self.header["nodes"]
        return nodes

    @property
    def count(self) -> int:
        """Of all points."""
        return int(self.header["points"])

    def span(self, first: int, last: int) -> tuple[int, int]:
        """(offset in the file, number of bytes) of the blocks of nodes `first` to `last`, this one included.

        Raises IndexError where there are no such nodes.
        """
        if not 0 <= first <= last < len(self.nodes):
            raise IndexError(f"nodes {first} to {last} of {len(self.nodes)}")
        begin, end = self.nodes[first], self.nodes[last]
        length = end["offset"] + POINT_BYTES * end["points"] - begin["offset"]
        return self.start + begin["offset"], length

    def read(self, first: int, last: int) -> bytes:
        """The blocks of nodes `first` to `last`, this one included. Raises IndexError as `span`, StoreError for a file
        that was cut meanwhile."""
        offset, length = self.span(first, last)
        try:
            with open(self.path, "rb") as file:
                file.seek(offset)
                data = file.read(length)
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror or error}") from error
        if len(data) != length:
            raise StoreError(f"{self.path} is damaged: it ends within the points")
        return data

    def points(self, node: int) -> LevelPoints:
        """The points of one node, decoded. Raises as `read`."""
        entry, data = self.nodes[node], self.read(node, node)
        count = entry["points"]
        place = np.frombuffer(data, "<u2", 4 * count).reshape(-1, 4)
        colour = np.frombuffer(data, np.uint8, 4 * count, 8 * count).reshape(-1, 4)
        corner = np.array(entry["centre"]) - entry["size"] / 2
        xyz = corner + place[:, :3] * (entry["size"] / STEPS)
        frame = np.array(self.header["frames"], np.int64)[place[:, 3]]
        return LevelPoints(xyz, colour[:, :3], frame, decode_confidence(colour[:, 3]))


@dataclass(frozen=True, eq=False)
class LevelPoints:
    """The n points of a node, in the submap's frame."""

    xyz: Float64  # [n,3]
    rgb: UInt8  # [n,3]
    frame: NDArray[np.int64]  # [n] source index
    confidence: Float64  # [n]


def _check(header: dict[str, Any]) -> None:
    """Raises ValueError, KeyError or TypeError unless blocks follow each other and cubes can be drawn."""
    offset = 0
    for node in header["nodes"]:
        if node["offset"] != offset or type(node["points"]) is not int or node["points"] < 0:
            raise ValueError("blocks do not follow each other")
        offset += POINT_BYTES * node["points"]
        numbers = np.array([*node["centre"], node["size"], node["spacing"]], np.float64)
        if len(numbers) != 5 or not np.isfinite(numbers).all() or min(node["size"], node["spacing"]) < 0:
            raise ValueError("a cube is none")
    if offset != POINT_BYTES * header["points"]:
        raise ValueError("counts differ")
    if not all(type(frame) is int and frame >= 0 for frame in header["frames"]):
        raise ValueError("a frame is none")


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")
