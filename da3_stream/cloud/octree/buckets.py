"""Points sorted on disk into buckets that fit into memory: the leaves of a coarse octree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from ..fusion.spill import SpillFile
from .cube import DEPTH, Cube
from .lattice import Lattice, Records
from .leaves import Leaves, build_leaves
from .levels import DEEPEST


@dataclass(frozen=True)
class OctreeLimits:
    """How many points a node has below it before it is divided, and how many are in memory."""

    leaf: int = 1 << 16
    bucket: int = 1 << 20  # half as many are aimed at; one that turns out to have more is divided again
    chunk: int = 1 << 18  # read from a file at once
    sample: int = 1 << 20  # points by which the buckets are estimated


@dataclass(frozen=True, eq=False)
class Bucket:
    """A node of the octree and its points: in one part, or in several in a node of the deepest level that is full."""

    start: int  # code of its first cell
    level: int
    parts: Iterator[Records]


class PointBuckets:
    """The points of an octree in unnamed temporary files in `folder`, which close with `files`.

    Taking them in writes them once, as they come; `buckets` writes them a second time, and drops the first file.
    """

    def __init__(
        self, chunks: Iterable[Records], lattice: Lattice, limits: OctreeLimits, folder: Path, files: ExitStack
    ) -> None:
        self._lattice, self._limits, self._folder, self._files = lattice, limits, folder, files
        self._raw_files, survey = files.enter_context(ExitStack()), _Survey(limits.sample)
        self._raw: SpillFile | None = None
        for records in chunks:
            if len(records):
                self._raw = self._raw or self.new_file(records.dtype, self._raw_files)
                self._raw.append(0, records)
                survey.add(records["xyz"])
        self.count = survey.count
        self.low, self.high = (lattice.step * steps + lattice.offset for steps in (survey.low, survey.high))
        self.cube = Cube.around(self.low, self.high)
        self._leaves = self._estimate_leaves(survey)

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Of the records; where there are none, of positions alone."""
        return self._raw.dtype if self._raw else np.dtype([("xyz", "<i4", 3)])

    def new_file(self, dtype: np.dtype[np.void], files: ExitStack | None = None) -> SpillFile:
        """Another temporary file."""
        return SpillFile((files or self._files).enter_context(tempfile.TemporaryFile(dir=self._folder)), dtype)

    def codes(self, records: Records) -> NDArray[np.uint64]:
        """The codes [M] of the cells that hold the records."""
        return self.cube.codes(self._lattice.positions(records))

    def buckets(self) -> Iterator[Bucket]:
        """All buckets that hold points, in Morton order; can be taken once."""
        if self._raw is None:
            return
        spill = self.new_file(self._raw.dtype)
        for records in self._raw.chunks(0, self._limits.chunk):
            spill.add(self._leaves.leaf_of(self.codes(records)), records)
        self._raw_files.close()
        for leaf in spill.tiles():
            yield from self._divided(spill, leaf, int(self._leaves.starts[leaf]), int(self._leaves.levels[leaf]))

    def _estimate_leaves(self, survey: _Survey) -> Leaves:
        codes = self.cube.codes(survey.sample() * self._lattice.step + self._lattice.offset)
        return build_leaves(codes, DEPTH, max(self._limits.bucket // (2 * survey.stride), 1), deepest=DEEPEST)

    def _divided(self, spill: SpillFile, tile: int, start: int, level: int) -> Iterator[Bucket]:
        """A node as a bucket, or as its octants where it holds too many points for one."""
        if spill.records_in(tile) <= self._limits.bucket or level >= DEEPEST:
            yield Bucket(start, level, spill.chunks(tile, self._limits.bucket))
            return
        with ExitStack() as files:
            octants, shift = self.new_file(spill.dtype, files), 3 * (DEPTH - level - 1)
            for records in spill.chunks(tile, self._limits.chunk):
                octants.add(((self.codes(records) >> np.uint64(shift)) & np.uint64(7)).astype(np.int64), records)
            for octant in octants.tiles():
                yield from self._divided(octants, octant, start + (octant << shift), level + 1)


class _Survey:
    """Bounds, number and an even sample of the points' steps."""

    def __init__(self, most: int) -> None:
        self._most, self._parts, self.stride, self.count = most, [np.zeros((0, 3), np.int32)], 1, 0
        self.low: Float64 = np.zeros(3)
        self.high: Float64 = np.zeros(3)

    def add(self, steps: NDArray[np.int32]) -> None:
        """Take in steps [M,3]."""
        low, high = (end.astype(np.float64) for end in (steps.min(axis=0), steps.max(axis=0)))
        self.low = np.minimum(self.low, low) if self.count else low
        self.high = np.maximum(self.high, high) if self.count else high
        self._parts.append(steps[-self.count % self.stride :: self.stride].copy())
        self.count += len(steps)
        while self.count > self._most * self.stride:
            self._parts = [self.sample()[::2]]
            self.stride *= 2

    def sample(self) -> NDArray[np.int32]:
        """Every `stride`-th point's."""
        return np.concatenate(self._parts)
