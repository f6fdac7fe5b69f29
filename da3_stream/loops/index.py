"""Index of the descriptors of all keyframes: short codes in memory, whole vectors in a file.

A code holds the signs of 1024 random projections, whose Hamming distance is the angle between vectors (Charikar,
"Similarity estimation techniques from rounding algorithms", STOC 2002). It needs no training, so early and
late frames are encoded equally well whatever the video shows; the nearest codes are reranked by the vectors.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import LoopsError
from ..types import Float32
from .keyframes import Keyframe

KEYFRAME_FIELDS = [("frame", "<i8"), ("ordinal", "<i8"), ("distance", "<f8")]
KEYFRAME = np.dtype(KEYFRAME_FIELDS)
CODE_BYTES = 128
RERANKED = 128  # nearest codes that are reranked by their vectors
SEED = 20231115  # of the projections: codes in the file depend on it


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Entries nearest to a query, nearest first."""

    entries: NDArray[np.int64]
    similarities: Float32  # inner products


class PlaceIndex:
    """An append-only file of keyframes with unit vectors, and an index over those of them that can be found.

    A record is written at once (`append`) and becomes findable later (`release`): temporal neighbours are kept out of
    the search rather than out of its result. A record that a kill left unfinished is dropped on opening.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        """Open or create the file; raises LoopsError where it holds vectors of another length."""
        import faiss

        self._path, self.dimension = path, dimension
        self._record = np.dtype([*KEYFRAME_FIELDS, ("code", "u1", CODE_BYTES), ("vector", "<f2", dimension)])
        self._projection: Float32 | None = None
        self._codes = faiss.IndexBinaryFlat(8 * CODE_BYTES)
        self._file = path.open("a+b")
        self._check_header()
        self.truncate(len(self))

    def __len__(self) -> int:
        """Records, findable or not."""
        return self._count()

    @property
    def findable(self) -> int:
        """How many of the records, from the first, can be found."""
        return int(self._codes.ntotal)

    def keyframe(self, entry: int) -> Keyframe:
        """The keyframe of an entry."""
        size = self._record.itemsize
        fields = os.pread(self._file.fileno(), KEYFRAME.itemsize, (entry + 1) * size)  # a mapping costs 100 times more
        return Keyframe(*np.frombuffer(fields, KEYFRAME)[0].item())

    def append(self, keys: list[Keyframe], vectors: Float32) -> None:
        """Write keyframes with their unit vectors [n,D] to the file; raises OSError where the disk refuses."""
        records = np.zeros(len(keys), self._record)
        for name, _ in KEYFRAME_FIELDS:
            records[name] = [getattr(key, name) for key in keys]
        records["code"], records["vector"] = self._encode(vectors), vectors
        self._write(records)

    def release(self, count: int) -> None:
        """Let the first `count` records be found from now on."""
        if count > self.findable:
            self._codes.add(np.ascontiguousarray(self._records()["code"][self.findable : count]))

    def search(self, vectors: Float32, count: int) -> list[Neighbours]:
        """The `count` findable entries most alike to each of the vectors [n,D], by inner product; ties by age."""
        if not self.findable or not len(vectors):
            return [Neighbours(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in vectors]
        depth = min(max(count, RERANKED), self.findable)
        _, nearest = self._codes.search(self._encode(vectors), depth)
        return [self._rank(vector, entries, count) for vector, entries in zip(vectors, nearest, strict=True)]

    def vectors(self, entries: NDArray[np.int64]) -> Float32:
        """The vectors [n,D] of entries, as they were appended (to half precision)."""
        return self._records()["vector"][entries].astype(np.float32)

    def truncate(self, count: int) -> None:
        """Drop all records after the first `count`: those of a window that was not finished.

        Raises LoopsError where the file holds fewer.
        """
        if count > len(self):
            raise LoopsError(f"{self._path} has lost places: it holds {len(self)} of {count}; begin the run anew")
        self._file.truncate(self._record.itemsize + count * self._record.itemsize)
        self._codes.reset()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rank(self, vector: Float32, entries: NDArray[np.int64], count: int) -> Neighbours:
        entries = np.sort(entries)
        similarities = self.vectors(entries) @ vector
        best = np.argsort(-similarities, kind="stable")[:count]
        return Neighbours(entries[best], similarities[best])

    def _records(self) -> NDArray[np.void]:
        """All records on disk, memory-mapped, without the header."""
        whole = self._count()
        if not whole:
            return np.zeros(0, self._record)
        return np.memmap(self._path, self._record, "r", offset=self._record.itemsize, shape=(whole,))

    def _count(self) -> int:
        return max(0, self._path.stat().st_size // self._record.itemsize - 1)

    def _check_header(self) -> None:
        """The first record is a header, which holds the length of the vectors."""
        if self._path.stat().st_size < self._record.itemsize:
            self._file.truncate(0)
            header = np.zeros(1, self._record)
            header["frame"] = self.dimension
            self._write(header)
        dimension = int(np.fromfile(self._path, "<i8", 1)[0])
        if dimension != self.dimension:
            raise LoopsError(
                f"{self._path} holds place descriptors of {dimension} numbers, not {self.dimension}: "
                "go on with the descriptor that the run was begun with, or begin it anew"
            )

    def _write(self, records: NDArray[np.void]) -> None:
        """Append to the file and sync. Raises OSError that names the file."""
        try:
            self._file.write(records.tobytes())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _encode(self, vectors: Float32) -> NDArray[np.uint8]:
        """Codes [n,128] of vectors [n,D]."""
        if self._projection is None:
            rng = np.random.default_rng(SEED)
            self._projection = rng.standard_normal((8 * CODE_BYTES, self.dimension), np.float32)
        return np.packbits(vectors @ self._projection.T > 0, axis=1)
