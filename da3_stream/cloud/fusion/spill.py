"""Records sorted into tiles on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray


class SpillFile:
    """A temporary file that takes records of one dtype with their tiles, and returns them tile by tile, in order.

    The file has no name (tempfile.TemporaryFile), so that nothing is left over however the program ends.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype[np.void]) -> None:
        self._file, self.dtype = file, dtype
        self._pieces: dict[int, list[tuple[int, int]]] = {}  # by tile: (offset in bytes, number of records)
        self._end = 0
        self.count = 0

    def tiles(self) -> list[int]:
        """The tiles that hold records, ascending."""
        return sorted(self._pieces)

    def records_in(self, tile: int) -> int:
        """How many records a tile holds."""
        return sum(count for _, count in self._pieces[tile])

    def append(self, tile: int, records: NDArray[np.void]) -> None:
        """Append records [M] to one tile."""
        self._file.seek(self._end)
        self._file.write(np.ascontiguousarray(records).data)
        self._pieces.setdefault(tile, []).append((self._end, len(records)))
        self._end += records.nbytes
        self.count += len(records)

    def add(self, tiles: NDArray[np.int64], records: NDArray[np.void]) -> None:
        """Append records [M] to their tiles [M]."""
        order = np.argsort(tiles, kind="stable")
        numbers, starts = np.unique(tiles[order], return_index=True)
        self._file.seek(self._end)
        self._file.write(records[order].data)
        for tile, start, count in zip(numbers.tolist(), starts, np.diff(starts, append=len(records)), strict=True):
            offset = self._end + int(start) * self.dtype.itemsize
            self._pieces.setdefault(tile, []).append((offset, int(count)))
        self._end += records.nbytes
        self.count += len(records)

    def chunks(self, tile: int, max_records: int) -> Iterator[NDArray[np.void]]:
        """A tile's records in the order of `add`, about `max_records` at a time: what came in one call is not split."""
        pieces: list[NDArray[np.void]] = []
        record_count = 0
        for offset, count in self._pieces[tile]:
            if pieces and record_count + count > max_records:
                yield np.concatenate(pieces)
                pieces, record_count = [], 0
            self._file.seek(offset)
            pieces.append(np.frombuffer(self._file.read(count * self.dtype.itemsize), self.dtype))
            record_count += count
        yield np.concatenate(pieces)
