"""COPC 1.0: a LAZ file whose chunks are the nodes of an octree, so that readers take what they look at.

Hobu, "COPC Specification 1.0" (2021): LAS 1.4 with a first record that tells the octree's cube, and a last one that
tells where the chunk of each node lies. laspy reads such files and writes none, and copclib takes points one by one:
header and records are laspy's, the chunks lazrs', and the two records of COPC are packed here.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...store.files import replacing
from ..octree.building import Octree, OctreeNode
from .laz import LasLayout, compressing, pack_points

_INFO = struct.Struct("<5d2Q2d88x")  # centre, half size, spacing; place and size of the hierarchy; times
_ENTRY = struct.Struct("<4iQ2i")  # level, x, y, z; place and size of the chunk; number of points
_RECORD = struct.Struct("<2x16sHQ32s")  # the head of an extended record: user, number, size, description
_TABLE_PLACE = 8  # bytes before the first chunk, which tell where the table of chunks is

Key = tuple[int, int, int, int]  # level, x, y, z


class CopcWriter:
    """Writes the nodes of an octree to a file, in any order. Their records have the fields that the layout asks for:
    `xyz`, `rgb`, the extras, and `normal` (steps of 1/127)."""

    def __init__(self, file: BinaryIO, layout: LasLayout, tree: Octree) -> None:
        import laspy
        import lazrs

        self._file, self._layout, self._tree, self._header = file, layout, tree, layout.header()
        self._header.vlrs.insert(0, laspy.VLR("copc", 1, "COPC info VLR", self._info(0, 0)))
        self._packing = lazrs.LazVlr.new_for_compression(7, self._header.point_format.num_extra_bytes, True)
        self._header.vlrs.append(laspy.vlrs.known.LasZipVlr(self._packing.record_data()))
        self._header.set_compressed(True)
        self._header.write_to(file)
        self._compressor = lazrs.LasZipCompressor(file, self._packing)
        self._counts: dict[Key, int] = {}

    def write(self, node: OctreeNode) -> None:
        """Add a node as a chunk."""
        if self._counts:
            self._compressor.finish_current_chunk()  # not behind the last one: lazrs would add an empty chunk
        else:
            self._header.partial_reset()  # bounds of none, which a file without points must not have
        count = 0
        for records in node.parts:
            normal = records["normal"] if self._layout.normals else None
            extras = {name: records[name] for name in self._layout.extras}
            points = pack_points(self._header, records["xyz"], records["rgb"], normal, extras)
            self._compressor.compress_many(points.array.view(np.uint8))
            self._header.grow(points)
            count += len(records)
        self._counts[node.level, *node.position] = count

    def finish(self) -> int:
        """Write where the nodes are, and complete the header; returns the number of points."""
        self._compressor.done()
        entries = self._entries()
        end = self._file.seek(0, 2)
        self._file.write(_RECORD.pack(b"copc", 1000, len(entries), b"COPC hierarchy") + entries)
        self._header.vlrs[0].record_data = self._info(end + _RECORD.size, len(entries))
        self._header.start_of_first_evlr, self._header.number_of_evlrs = end, 1
        self._file.seek(0)
        self._header.write_to(self._file, ensure_same_size=True)
        return int(self._header.point_count)

    def _info(self, place: int, size: int) -> bytes:
        """The first record: the cube, and where the hierarchy is. There are no times."""
        half = self._tree.cube.edge / 2
        return _INFO.pack(*(self._tree.cube.low + half), half, self._tree.spacing, place, size, 0.0, 0.0)

    def _entries(self) -> bytes:
        """The hierarchy, in one page: every node that was written, and those above them that hold no points."""
        import lazrs

        self._file.seek(self._header.offset_to_point_data)
        sizes = [size for _, size in lazrs.read_chunk_table(self._file, self._packing)][: len(self._counts)]
        places = accumulate(sizes, initial=self._header.offset_to_point_data + _TABLE_PLACE)
        chunks = dict(zip(self._counts, zip(places, sizes, strict=False), strict=True))
        keys = sorted({above for key in self._counts for above in _with_those_above(key)} or {(0, 0, 0, 0)})
        return b"".join(_ENTRY.pack(*key, *chunks.get(key, (0, 0)), self._counts.get(key, 0)) for key in keys)


def _with_those_above(key: Key) -> list[Key]:
    level, x, y, z = key
    return [(level - up, x >> up, y >> up, z >> up) for up in range(level + 1)]


@contextlib.contextmanager
def create_copc(path: Path, layout: LasLayout, tree: Octree) -> Iterator[CopcWriter]:
    """Write a COPC file, which appears at `path` when the block ends, and not before.

    Raises StoreError where the disk refuses.
    """
    with replacing(path) as file, compressing(path):
        writer = CopcWriter(file, layout, tree)
        yield writer
        writer.finish()
