"""The header of any PLY file (Turk, "The PLY polygon file format", 1994).

No library reads all properties of large files bit by bit: trimesh and open3d hold the file in memory and drop what they
do not know; so headers and rows are read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...errors import ExportError

_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Property:
    """A column of numbers of a numpy type (without byte order); with `count_type`, a list of them."""

    name: str
    type: str
    count_type: str | None = None


@dataclass(frozen=True)
class Element:
    """A table with so many rows."""

    name: str
    count: int
    properties: tuple[Property, ...]
    lines: tuple[str, ...]  # of the header that tell the properties

    def dtype(self, order: str) -> np.dtype[np.void]:
        """A row whose lists have three entries, as triangles have, in a byte order."""
        fields = list[tuple[str, str] | tuple[str, str, int]]()
        for column in self.properties:
            if column.count_type is None:
                fields.append((column.name, order + column.type))
            else:
                fields += [
                    (f"count of {column.name}", order + column.count_type),
                    (column.name, order + column.type, 3),
                ]
        return np.dtype(fields)


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file says of itself before its data."""

    format: str  # "ascii", "binary_little_endian" or "binary_big_endian"
    comments: tuple[str, ...]  # lines of comments, and of obj_info with that word
    elements: tuple[Element, ...]

    @property
    def order(self) -> str:
        """The byte order, as numpy writes it."""
        return _ORDERS[self.format]

    def with_counts(self, counts: Sequence[int]) -> PlyHeader:
        """The same with other numbers of rows of the first elements."""
        pairs = zip(self.elements, counts, strict=False)
        changed = tuple(replace(element, count=count) for element, count in pairs)
        return replace(self, elements=changed + self.elements[len(changed) :])

    def encoded(self) -> bytes:
        """As it stands in a file."""
        lines = ["ply", f"format {self.format} 1.0"]
        lines += [line if line.startswith("obj_info") else f"comment {line}" for line in self.comments]
        for element in self.elements:
            lines += [f"element {element.name} {element.count}", *element.lines]
        return "\n".join([*lines, "end_header\n"]).encode("utf-8", "surrogateescape")


def read_header(file: BinaryIO, path: Path) -> PlyHeader:
    """The header; the file is left at its data. Raises ExportError for what is no PLY file."""
    lines = _header_lines(file, path)
    format, comments, elements = "", list[str](), list[Element]()
    for line in lines:
        words = line.split()
        match words:
            case ["format", name, "1.0"] if name in _ORDERS:
                format = name
            case ["comment", *_]:
                comments.append(line[8:])
            case ["obj_info", *_]:
                comments.append(line)
            case ["element", name, count] if count.isdecimal():
                elements.append(Element(name, int(count), (), ()))
            case ["property", *what] if elements and (column := _property(what)):
                last = elements[-1]
                elements[-1] = replace(last, properties=(*last.properties, column), lines=(*last.lines, line))
            case []:
                pass
            case _:
                raise ExportError(f"{path} is no PLY file that can be read: its header says {line[:80]!r}")
    if not format or not elements:
        raise ExportError(f"{path} is no PLY file that can be read: its header tells no format, or no elements")
    return PlyHeader(format, tuple(comments), tuple(elements))


def _header_lines(file: BinaryIO, path: Path) -> list[str]:
    """The lines between the first and the last of the header, which may end with CR LF."""
    lines, size = list[str](), 0
    while size < _LONGEST and (raw := file.readline(_LONGEST)):
        size += len(raw)
        line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if not lines and line != "ply":
            break
        if line.strip() == "end_header":
            return lines[1:]
        lines.append(line)
    raise ExportError(f"{path} is no PLY file: expected a header from 'ply' to 'end_header'")


def _property(words: list[str]) -> Property | None:
    match words:
        case ["list", count, type, name] if count in _TYPES and type in _TYPES:
            return Property(name, _TYPES[type], _TYPES[count])
        case [type, name] if type in _TYPES:
            return Property(name, _TYPES[type])
    return None
