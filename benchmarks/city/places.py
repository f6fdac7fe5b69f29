"""The index of places of many runs in shards: what one takes, how to choose them, and what is no longer found.

Vectors are made up: neighbours and any two are as alike as in `benchmarks.backend.place_index` (0.97 and 0.3). Streets
are of some kinds, and places of one kind are a little more alike; every run has a light of its own, and a place that
another run saw is as alike as 0.4 to 0.9 (there 0.75). Asked is whether a keyframe of one run finds the same place in
another run among the ten most similar, its own run left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.backend.place_index import NEIGHBOUR, USUAL
from benchmarks.city.world import BLOCK, GPS_SIGMA, Array, City, Indices, make_city
from benchmarks.common import parser, tell, workplace
from benchmarks.tables import Column, Row, Table, report, surroundings
from da3_stream.loops.index import CODE_BYTES, PlaceIndex
from da3_stream.loops.keyframes import Keyframe
from da3_stream.types import Float32

KINDS, KIND = 200, 0.15  # of streets, and how much more alike two of one kind are
AGAIN = (0.4, 0.9)  # likeness of a place to itself in another light, different for every submap
LIGHT = 0.5  # part of what changes that is the same for all of a run
PER_BLOCK = 10  # keyframes of a submap that take part between runs: one every ten metres
NEAREST = 10
LOOKED_AT = 128  # entries of which the ten are taken, so that the own run's can be left out
REACH = 3 * np.sqrt(2) * GPS_SIGMA  # m: as far off are two positions of one place, but for one in a thousand
PROBES = (1, 2, 4, 8, 16)
RESULT_BYTES = 12  # an entry and its similarity

SHARD_COLUMNS = [
    Column("one shard", "what"),
    Column("keyframes", "keyframes"),
    Column("numbers", "numbers"),
    Column("codes MiB", "codes_mib", "{:.1f}"),
    Column("file MiB", "file_mib", "{:.0f}"),
    Column("ms a keyframe in", "append_ms", "{:.2f}"),
    Column("CPU ms a query", "query_ms", "{:.2f}"),
    Column("queries a CPU s", "rate", "{:.0f}"),
]

RECALL_COLUMNS = [
    Column("shards by", "by"),
    Column("shards", "shards"),
    Column("asked", "asked", "{:.2f}"),
    Column("largest / mean", "largest", "{:.2f}"),
    Column("share looked through", "share", "{:.3f}"),
    Column("places found", "found", "{:.3f}"),
    Column("lost beside one index", "lost", "{:.3f}"),
    Column("bytes sent a query", "sent", "{:.0f}"),
]


@dataclass(frozen=True, eq=False)
class Seen:
    """Keyframes [K] of all runs: unit vectors, run, place (the same number: the same place), measured position."""

    vectors: Float32  # [K,D]
    run: Indices
    place: Indices
    position: Array  # [K,2], m

    def again(self) -> Indices:
        """Keyframes whose place another run saw too."""
        pairs = np.unique(np.stack([self.place, self.run], axis=1), axis=0)
        runs = np.bincount(pairs[:, 0], minlength=int(self.place.max()) + 1)
        return np.flatnonzero(runs[self.place] > 1)


def main() -> None:
    """Both tables."""
    command = parser(__doc__, settings=False)
    command.add_argument("--runs", type=int, default=200, help="runs of a kilometre whose places are sought")
    command.add_argument("--queries", type=int, default=400)
    command.add_argument("--numbers", type=int, default=1024, help="of a vector, where recall is measured")
    command.add_argument("--shard", default="10000,50000", help="keyframes of one shard, with commas")
    command.add_argument("--shard-numbers", type=int, default=4096, help="of a vector there: 4096 of vlad")
    command.add_argument("--codes", type=int, default=1_000_000, help="codes that are searched alone")
    options = command.parse_args()
    around = surroundings()
    with workplace(options.keep) as folder:
        shards = [*_shard_rows(folder, options), *_code_rows(options)]
        recall = list(_recall_rows(folder, options))
    report(options, around, RECALL_COLUMNS, recall, more=[Table("one shard", SHARD_COLUMNS, shards)])


def _shard_rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The project's index as it is, of several sizes."""
    rng = np.random.default_rng(0)
    for count in (int(word) for word in options.shard.split(",")):
        index = PlaceIndex(folder / f"shard_{count}.bin", options.shard_numbers)
        seconds = 0.0
        for first in range(0, count, 1000):
            vectors = _unit(rng.standard_normal((min(1000, count - first), options.shard_numbers), np.float32))
            seconds += _fill(index, vectors)
        queries = index.vectors(np.sort(rng.choice(count, 100, replace=False)))
        begun = time.process_time()
        for query in queries:
            index.search(query[None], NEAREST)
        query_s = (time.process_time() - begun) / len(queries)
        size = (folder / f"shard_{count}.bin").stat().st_size
        index.close()
        tell(f"shard of {count}: {1000 * query_s:.1f} ms a query")
        yield {
            "what": "the project's index, reranked by vectors",
            "keyframes": count,
            "numbers": options.shard_numbers,
            "codes_mib": count * CODE_BYTES / 2**20,
            "file_mib": size / 2**20,
            "append_ms": 1000 * seconds / count,
            "query_ms": 1000 * query_s,
            "rate": 1 / query_s,
        }


def _code_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Codes alone, one query after the other and many at once: what a shard does before it reads any vector."""
    import faiss

    rng = np.random.default_rng(0)
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(8 * CODE_BYTES)
    index.add(rng.integers(0, 256, (options.codes, CODE_BYTES), np.uint8))
    for at_once, times in ((1, 20), (64, 2)):
        queries = rng.integers(0, 256, (at_once, CODE_BYTES), np.uint8)
        begun = time.process_time()
        for _ in range(times):
            index.search(queries, LOOKED_AT)
        query_s = (time.process_time() - begun) / (times * at_once)
        yield {
            "what": f"codes alone, {at_once} at once",
            "keyframes": options.codes,
            "codes_mib": options.codes * CODE_BYTES / 2**20,
            "query_ms": 1000 * query_s,
            "rate": 1 / query_s,
        }


def _recall_rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One index, cells of the map, clusters of vectors."""
    rng = np.random.default_rng(1)
    seen = make_seen(make_city(options.runs), options.numbers, rng)
    queries = rng.choice(seen.again(), options.queries, replace=False)
    tell(f"{len(seen.run)} keyframes, {len(seen.again())} of them seen again")
    one = Shards.of(folder, "one", seen, np.zeros(len(seen.run), np.int64))
    whole = one.asked(queries, [[0]] * len(queries))
    yield {"by": "none: one index", **whole, "lost": 0.0}
    for size in (250.0, 500.0, 1000.0):
        cells = Shards.of(folder, f"cell{size:.0f}", seen, cell_of(seen.position, size))
        row = cells.asked(queries, [cells_near(seen.position[q], size) for q in queries])
        yield {"by": f"cells of {size:.0f} m", **row, "lost": whole["found"] - row["found"]}
    centres = _centres(seen.vectors, 64)
    likeness = seen.vectors @ centres.T
    clusters = Shards.of(folder, "cluster", seen, np.argmax(likeness, axis=1))
    for probes in PROBES:
        nearest = np.argsort(-likeness[queries], axis=1)[:, :probes].tolist()
        row = clusters.asked(queries, nearest)
        yield {"by": f"clusters of vectors, {probes} asked", **row, "lost": whole["found"] - row["found"]}


def make_seen(city: City, numbers: int, rng: np.random.Generator) -> Seen:
    """What the runs of a city see: keyframes along the street of every submap, streets by crossing and heading."""
    crossing = np.round(city.truth.translation[:, :2] / BLOCK).astype(np.int64)
    heading = np.round(np.arctan2(city.truth.rotation[:, 1, 0], city.truth.rotation[:, 0, 0]) / (np.pi / 2))
    key = np.column_stack([crossing, heading.astype(np.int64) % 4])
    streets, street = np.unique(key, axis=0, return_inverse=True)
    looks = _looks(len(streets), numbers, rng)
    place = (street[:, None] * PER_BLOCK + np.arange(PER_BLOCK)).ravel()
    vectors = _unit(looks[place] + _changes(city.run, numbers, rng))
    along = np.arange(PER_BLOCK)[None, :, None] * BLOCK / PER_BLOCK * city.truth.rotation[:, None, :2, 0]
    position = (city.truth.translation[:, None, :2] + along).reshape(-1, 2)
    position = position + GPS_SIGMA * rng.standard_normal(position.shape)
    return Seen(vectors, np.repeat(city.run, PER_BLOCK), place, position)


def _looks(streets: int, numbers: int, rng: np.random.Generator) -> Float32:
    """Unit vectors [streets PER_BLOCK, D]: something that all share, a kind of street, and a walk along the street."""
    shape = (streets, PER_BLOCK, numbers)
    walk = rng.standard_normal(shape, np.float32)
    for k in range(1, PER_BLOCK):
        walk[:, k] = NEIGHBOUR * walk[:, k - 1] + np.float32(np.sqrt(1 - NEIGHBOUR**2)) * walk[:, k]
    kinds = rng.standard_normal((KINDS, numbers), np.float32)[rng.integers(0, KINDS, streets)][:, None]
    common = rng.standard_normal(numbers, np.float32)
    shares = np.sqrt(np.array([USUAL, KIND, 1 - USUAL - KIND], np.float32))
    return _unit((shares[0] * common + shares[1] * kinds + shares[2] * walk).reshape(-1, numbers))


def _changes(run: Indices, numbers: int, rng: np.random.Generator) -> Float32:
    """What makes places look different [K,D] in runs of submaps [N]: the run's light, and more at every keyframe."""
    lights = rng.standard_normal((int(run.max()) + 1, numbers), np.float32)[np.repeat(run, PER_BLOCK)]
    others = rng.standard_normal(lights.shape, np.float32)
    change = np.float32(np.sqrt(LIGHT)) * lights + np.float32(np.sqrt(1 - LIGHT)) * others
    again = np.repeat(rng.uniform(*AGAIN, len(run)), PER_BLOCK)[:, None].astype(np.float32)
    return np.sqrt((1 / again - 1) / np.float32(numbers)) * change


@dataclass(frozen=True, eq=False)
class Shards:
    """The project's index once for each shard."""

    seen: Seen
    members: list[Indices]  # keyframes of each shard
    indices: list[PlaceIndex]
    number: dict[int, int]  # of a shard, by its key

    @staticmethod
    def of(folder: Path, name: str, seen: Seen, keys: Indices) -> Shards:
        """Shards of the keyframes with equal keys [K]."""
        found, indices, members = np.unique(keys), list[PlaceIndex](), list[Indices]()
        for key in found.tolist():
            members.append(np.flatnonzero(keys == key))
            indices.append(PlaceIndex(folder / f"{name}_{key}.bin", seen.vectors.shape[1]))
            _fill(indices[-1], seen.vectors[members[-1]])
        return Shards(seen, members, indices, {key: k for k, key in enumerate(found.tolist())})

    def asked(self, queries: Indices, keys: Sequence[Sequence[int]]) -> Row:
        """How many of the queries [Q] find their place when the shards of these keys are asked, and what that takes."""
        shards = [[self.number[key] for key in some if key in self.number] for some in keys]
        sizes = np.array([len(each) for each in self.members])
        found = np.mean([self._finds(int(q), some) for q, some in zip(queries, shards, strict=True)])
        asked = float(np.mean([len(some) for some in shards]))
        return {
            "shards": len(sizes),
            "asked": asked,
            "largest": float(sizes.max() / sizes.mean()),
            "share": float(np.mean([sizes[some].sum() for some in shards]) / sizes.sum()),
            "found": float(found),
            "sent": asked * (2 * self.seen.vectors.shape[1] + NEAREST * RESULT_BYTES),
        }

    def _finds(self, query: int, shards: Sequence[int]) -> bool:
        entries, similarities = list[int](), list[float]()
        for k in shards:
            near = self.indices[k].search(self.seen.vectors[query][None], LOOKED_AT)[0]
            entries += self.members[k][near.entries].tolist()
            similarities += near.similarities.tolist()
        best = np.array(entries)[np.argsort(-np.array(similarities), kind="stable")]
        others = best[self.seen.run[best] != self.seen.run[query]][:NEAREST]
        return bool(np.any(self.seen.place[others] == self.seen.place[query]))


def cell_of(positions: Array, size: float) -> Indices:
    """A number for the square cell of each position [K,2]."""
    cells = np.floor(positions / size).astype(np.int64)
    return (cells[:, 0] + 1000) * 10_000 + cells[:, 1] + 1000


def cells_near(position: Array, size: float) -> list[int]:
    """The cells that a place may lie in whose position was measured twice."""
    corners = position + REACH * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    return sorted(set(cell_of(corners, size).tolist()))


def _centres(vectors: Float32, count: int) -> Float32:
    """Centres [count,D] of clusters of unit vectors, found on all of them."""
    import faiss

    clustering = faiss.Kmeans(vectors.shape[1], count, niter=10, spherical=True, seed=0, verbose=False)
    clustering.train(vectors)
    return np.asarray(clustering.centroids)


def _fill(index: PlaceIndex, vectors: Float32) -> float:
    """Put vectors into an index; the CPU seconds."""
    begun, first = time.process_time(), len(index)
    index.append([Keyframe(first + k, first + k, 0.1 * (first + k)) for k in range(len(vectors))], vectors)
    index.release(len(index))
    return time.process_time() - begun


def _unit(vectors: Float32) -> Float32:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
