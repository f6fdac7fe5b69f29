"""A frame's place in the world: one Sim(3), in the units of the submap that owns its depth (design, section 4).

Around the border where ownership passes from one submap to the next, both nodes' answers are known. There the place
slides from the earlier node's answer A to the later one's B, A exp(w log(A^-1 B)), w rising evenly from 0 to 1, so
that neither the trajectory nor the cloud has a step. Nothing stored changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry import Sim3, Sim3Array
from ..types import Float64
from .scene import Scene
from .submap import SubmapCameras


@dataclass(frozen=True, eq=False)
class FramePoses:
    """Places of M owned frames, by ascending source index; the scene's scale is applied."""

    source_index: NDArray[np.int64]  # [M]
    timestamp: Float64  # [M] seconds
    submap: NDArray[np.int64]  # [M] owner
    row: NDArray[np.int64]  # [M] the frame's row in its owner's geometry
    segment: NDArray[np.int64]  # [M], -1 where there is no place
    scale: Float64  # [M] world units per unit of the owner's depth; NaN where there is no place
    world_from_camera: Float64  # [M,4,4] rigid; NaN where there is no place

    @property
    def has_pose(self) -> NDArray[np.bool_]:
        """Which frames [M] have a pose."""
        return np.isfinite(self.scale)

    def by_submap(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The submaps that own the frames of these rows [K], ascending, each with its positions among them."""
        owners = self.submap[rows]
        order = np.argsort(owners, kind="stable")
        submaps, starts = np.unique(owners[order], return_index=True)
        for submap, start, stop in zip(submaps.tolist(), starts, [*starts[1:], len(rows)], strict=False):
            yield submap, order[start:stop]

    def pose(self, m: int) -> Sim3:
        """The place as a similarity: depth in the owner's units -> world."""
        return Sim3(self.scale[m], self.world_from_camera[m, :3, :3], self.world_from_camera[m, :3, 3])


@dataclass(frozen=True, eq=False)
class _NeighbourEstimates:
    """Neighbours' answers for frames, in the owners' units, and how far the places slide towards them (0 to 1)."""

    entry: NDArray[np.int64]  # [K] of the frame among all owned ones
    weight: Float64  # [K]
    pose: Sim3Array  # [K]


@dataclass(frozen=True, eq=False)
class _OwnedFrames:
    """The owned frames of all submaps, submap by submap."""

    source_index: NDArray[np.int64]  # [M]
    submap: NDArray[np.int64]
    row: NDArray[np.int64]
    timestamp: Float64
    pose: Sim3Array  # world_from_camera by the owner alone
    first: Mapping[int, int]  # of every submap: its first entry

    def entries(self, submap: int, geometry: SubmapCameras, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of frames that a submap owns."""
        return self.first[submap] + np.searchsorted(geometry.frame_indices[geometry.owned], frames)


def frame_poses(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> FramePoses:
    """Poses of all frames owned by the submaps in `geometries` (by submap id), blended between neighbours.

    A frame whose own pose is NaN takes a neighbour's; without one its place is NaN. Raises StoreError if two submaps
    own the same frame.
    """
    owned = _owned(scene, geometries)
    order = np.argsort(owned.source_index, kind="stable")
    indices = owned.source_index[order]
    twice = indices[1:][np.diff(indices) == 0]
    if len(twice):
        raise StoreError(f"frame {twice[0]} is owned by two submaps: expected one")
    return _table(scene, owned, order, _blended(owned.pose, _neighbour_estimates(scene, geometries, owned))[order])


def blend_weights(earlier: SubmapCameras, later: SubmapCameras) -> dict[int, float]:
    """Weight of the later node's answer for every frame that both know, by source index; `earlier` owns first.

    0 before the zone and 1 after it. The zone is symmetric about the border of ownership: its half-width is the
    smallest of the shared frames on either side of the border and half of each node's owned frames, rounded up.
    """
    shared = np.intersect1d(earlier.frame_indices, later.frame_indices)
    before = np.isin(shared, earlier.frame_indices[earlier.owned])
    after = np.isin(shared, later.frame_indices[later.owned])
    border = int(np.argmax(after)) if after.any() else len(shared)
    limits = (
        _run_length(before[:border][::-1]),
        _run_length(after[border:]),
        (int(earlier.owned.sum()) + 1) // 2,
        (int(later.owned.sum()) + 1) // 2,
    )
    half = max(min(limits), 0.5)  # without a zone: a step at the border
    weights = np.clip((np.arange(len(shared)) - border + half + 0.5) / (2 * half), 0.0, 1.0)
    return dict(zip(shared.tolist(), weights.tolist(), strict=True))


def _run_length(flags: NDArray[np.bool_]) -> int:
    return len(flags) if flags.all() else int(np.argmin(flags))


def _owned(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> _OwnedFrames:
    rows = {number: np.flatnonzero(geometry.owned) for number, geometry in geometries.items()}
    counts = [len(found) for found in rows.values()]
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64).tolist()
    nothing = Sim3Array.from_rigid(np.zeros((0, 4, 4)))
    answers = [_submap_estimates(scene, number, geometries[number], found) for number, found in rows.items()]
    empty: list[NDArray] = [np.zeros(0)]
    return _OwnedFrames(
        np.concatenate([*empty, *(geometries[k].frame_indices[found] for k, found in rows.items())]).astype(np.int64),
        np.repeat(np.array(list(rows), np.int64), counts),
        np.concatenate([*empty, *rows.values()]).astype(np.int64),
        np.concatenate([*empty, *(geometries[k].timestamps[found] for k, found in rows.items())]),
        Sim3Array.concatenate([nothing, *answers]),
        dict(zip(rows, starts, strict=True)),
    )


def _submap_estimates(scene: Scene, number: int, geometry: SubmapCameras, rows: NDArray[np.int64]) -> Sim3Array:
    """world_from_camera of rows by one submap alone; NaN where a pose is unknown."""
    world_from_window = Sim3Array.of(scene.submaps[number].world_from_window)
    return world_from_window @ Sim3Array.from_rigid(geometry.window_from_camera[rows])


def _neighbour_estimates(
    scene: Scene, geometries: Mapping[int, SubmapCameras], owned: _OwnedFrames
) -> _NeighbourEstimates:
    """Both ways over every border."""
    found = [_NeighbourEstimates(np.zeros(0, np.int64), np.zeros(0), Sim3Array.from_rigid(np.zeros((0, 4, 4))))]
    for earlier, later, later_per_earlier in _links(scene, geometries):
        weights = blend_weights(geometries[earlier], geometries[later])
        frames, towards = np.array([*weights], np.int64), np.array([*weights.values()])
        sides = ((earlier, later, towards, later_per_earlier), (later, earlier, 1 - towards, 1 / later_per_earlier))
        for owner, other, weight, other_per_owner in sides:
            mine, theirs = geometries[owner], geometries[other]
            is_mine = mine.owned[np.searchsorted(mine.frame_indices, frames)]
            answers = _submap_estimates(scene, other, theirs, np.searchsorted(theirs.frame_indices, frames[is_mine]))
            place = Sim3Array(answers.scale * other_per_owner, answers.rotation, answers.translation)
            known = place.is_finite()
            entries = owned.entries(owner, mine, frames[is_mine][known])
            found.append(_NeighbourEstimates(entries, weight[is_mine][known], place[known]))
    return _NeighbourEstimates(
        np.concatenate([one.entry for one in found]),
        np.concatenate([one.weight for one in found]),
        Sim3Array.concatenate([one.pose for one in found]),
    )


def _links(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> Iterator[tuple[int, int, float]]:
    """(earlier, later, later units per earlier unit) of aligned submaps of one segment, ordered by what they own."""
    for number in geometries:
        submap = scene.submaps[number]
        previous = submap.previous
        if previous is None or previous not in geometries or scene.submaps[previous].segment != submap.segment:
            continue
        if not (geometries[previous].owned.any() and geometries[number].owned.any()):
            continue
        if _first_owned(geometries[previous]) < _first_owned(geometries[number]):
            yield previous, number, 1.0 / submap.previous_per_unit
        else:
            yield number, previous, submap.previous_per_unit


def _first_owned(geometry: SubmapCameras) -> int:
    return int(geometry.frame_indices[geometry.owned][0])


def _blended(own: Sim3Array, opinions: _NeighbourEstimates) -> Sim3Array:
    """Own answers moved towards the neighbours'. Two zones never share more than one frame: there the slides add up."""
    known = own.is_finite()
    own = _with_borrowed_poses(own, known, opinions)
    counted = (opinions.weight > 0) & known[opinions.entry]
    entries = opinions.entry[counted]
    if not len(entries):
        return own
    steps = (own[entries].inverse() @ opinions.pose[counted]).log()
    tangents = np.zeros((len(own), 7))
    np.add.at(tangents, entries, opinions.weight[counted, None] * steps)
    moved = np.unique(entries)
    return own.with_rows(moved, own[moved] @ Sim3Array.exp(tangents[moved]))


def _with_borrowed_poses(own: Sim3Array, known: NDArray[np.bool_], opinions: _NeighbourEstimates) -> Sim3Array:
    """Frames without an answer of their own take their neighbour's that has most weight."""
    lent = np.flatnonzero(~known[opinions.entry])
    lent = lent[np.lexsort((-lent, opinions.weight[lent]))]  # the heaviest last, and the first of equals
    return own.with_rows(opinions.entry[lent], opinions.pose[lent])


def _table(scene: Scene, owned: _OwnedFrames, order: NDArray[np.int64], places: Sim3Array) -> FramePoses:
    known = places.is_finite()
    segments = np.array([submap.segment for submap in scene.submaps], np.int64)
    poses = np.full((len(order), 4, 4), np.nan)
    poses[known] = np.eye(4)
    poses[known, :3, :3] = places.rotation[known]
    poses[known, :3, 3] = places.translation[known] * scene.scale
    submaps = owned.submap[order]
    return FramePoses(
        source_index=owned.source_index[order],
        timestamp=owned.timestamp[order],
        submap=submaps,
        row=owned.row[order],
        segment=np.where(known, segments[submaps], -1) if len(submaps) else np.zeros(0, np.int64),
        scale=np.where(known, places.scale, np.nan) * scene.scale,
        world_from_camera=poses,
    )
