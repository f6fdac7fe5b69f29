"""The pose of every frame in the world: one Sim(3) each, in the units of the submap that owns the frame's depth.

Around the border where ownership passes from one submap to the next, both submaps estimate the pose of a frame. There
the pose is blended from the earlier submap's estimate A to the later one's B, A exp(w log(A^-1 B)), w rising linearly
from 0 to 1, so that neither the trajectory nor the cloud has a step. It is computed when a run is read: what is stored
does not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry import Sim3, Sim3Array
from ..types import Float64, Status
from .scene import Scene
from .submap import SubmapCameras


@dataclass(frozen=True, eq=False)
class FramePoses:
    """Poses of M owned frames, by ascending source index; the scene's scale is applied."""

    source_index: NDArray[np.int64]  # [M]
    timestamp: Float64  # [M] seconds
    submap: NDArray[np.int64]  # [M] owner
    row: NDArray[np.int64]  # [M] the frame's row in its owner's geometry
    segment: NDArray[np.int64]  # [M], -1 where there is no pose
    scale: Float64  # [M] world units per unit of the owner's depth; NaN where there is no pose
    world_from_camera: Float64  # [M,4,4] rigid; NaN where there is no pose
    depth_scale: Float64  # [M] as `scale`, and known of frames that have depth alone, too

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
        """The pose of row m as a similarity: depth in the owner's units -> world."""
        return Sim3(self.scale[m], self.world_from_camera[m, :3, :3], self.world_from_camera[m, :3, 3])


@dataclass(frozen=True, eq=False)
class _NeighbourEstimates:
    """What the neighbours of the owners estimate for frames, in the owners' units, and its weight (0 to 1)."""

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
        """The entries of frames that a submap owns."""
        return self.first[submap] + np.searchsorted(geometry.frame_indices[geometry.owned], frames)


def frame_poses(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> FramePoses:
    """Poses of all frames owned by the submaps in `geometries` (by submap id), blended between neighbours.

    A frame whose own pose is NaN takes a neighbour's; without one its pose is NaN. Raises StoreError if two submaps
    own the same frame.
    """
    owned = _collect_owned(scene, geometries)
    order = np.argsort(owned.source_index, kind="stable")
    indices = owned.source_index[order]
    twice = indices[1:][np.diff(indices) == 0]
    if len(twice):
        raise StoreError(f"frame {twice[0]} is owned by two submaps: expected one")
    return _table(
        scene, geometries, owned, order, _blend(owned.pose, _neighbour_estimates(scene, geometries, owned))[order]
    )


def blend_weights(earlier: SubmapCameras, later: SubmapCameras) -> dict[int, float]:
    """Weight of the later submap's estimate for every frame that both have, by source index; `earlier` owns first.

    0 before the zone and 1 after it. The zone is symmetric about the border of ownership: its half-width is the
    smallest of the shared frames on either side of the border and half of each submap's owned frames, rounded up.
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


def _collect_owned(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> _OwnedFrames:
    rows = {number: np.flatnonzero(geometry.owned) for number, geometry in geometries.items()}
    counts = [len(owned) for owned in rows.values()]
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64).tolist()
    nothing = Sim3Array.from_rigid(np.zeros((0, 4, 4)))
    estimates = [_submap_estimates(scene, number, geometries[number], owned) for number, owned in rows.items()]
    empty: list[NDArray] = [np.zeros(0)]
    return _OwnedFrames(
        np.concatenate([*empty, *(geometries[k].frame_indices[owned] for k, owned in rows.items())]).astype(np.int64),
        np.repeat(np.array(list(rows), np.int64), counts),
        np.concatenate([*empty, *rows.values()]).astype(np.int64),
        np.concatenate([*empty, *(geometries[k].timestamps[owned] for k, owned in rows.items())]),
        Sim3Array.concatenate([nothing, *estimates]),
        dict(zip(rows, starts, strict=True)),
    )


def _submap_estimates(scene: Scene, number: int, geometry: SubmapCameras, rows: NDArray[np.int64]) -> Sim3Array:
    """world_from_camera of rows by one submap alone; NaN where a pose is unknown."""
    world_from_window = Sim3Array.of(scene.submaps[number].world_from_window)
    return world_from_window @ Sim3Array.from_rigid(geometry.window_from_camera[rows])


def _neighbour_estimates(
    scene: Scene, geometries: Mapping[int, SubmapCameras], owned: _OwnedFrames
) -> _NeighbourEstimates:
    """Over every border between aligned submaps: the estimates of each for the frames that the other owns."""
    estimates = [_NeighbourEstimates(np.zeros(0, np.int64), np.zeros(0), Sim3Array.from_rigid(np.zeros((0, 4, 4))))]
    for earlier, later, later_per_earlier in _aligned_pairs(scene, geometries):
        weights = blend_weights(geometries[earlier], geometries[later])
        frames, towards = np.array([*weights], np.int64), np.array([*weights.values()])
        sides = ((earlier, later, towards, later_per_earlier), (later, earlier, 1 - towards, 1 / later_per_earlier))
        for owner, other, weight, other_per_owner in sides:
            cameras, others = geometries[owner], geometries[other]
            is_owned = cameras.owned[np.searchsorted(cameras.frame_indices, frames)]
            rows = np.searchsorted(others.frame_indices, frames[is_owned])
            in_other = _submap_estimates(scene, other, others, rows)
            pose = Sim3Array(in_other.scale * other_per_owner, in_other.rotation, in_other.translation)
            known = pose.is_finite()
            entries = owned.entries(owner, cameras, frames[is_owned][known])
            estimates.append(_NeighbourEstimates(entries, weight[is_owned][known], pose[known]))
    return _NeighbourEstimates(
        np.concatenate([part.entry for part in estimates]),
        np.concatenate([part.weight for part in estimates]),
        Sim3Array.concatenate([part.pose for part in estimates]),
    )


def _aligned_pairs(scene: Scene, geometries: Mapping[int, SubmapCameras]) -> Iterator[tuple[int, int, float]]:
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


def _blend(own: Sim3Array, neighbours: _NeighbourEstimates) -> Sim3Array:
    """The owners' estimates moved towards the neighbours' by their weights."""
    known = own.is_finite()
    own = _with_borrowed_poses(own, known, neighbours)
    counted = (neighbours.weight > 0) & known[neighbours.entry]
    entries = neighbours.entry[counted]
    if not len(entries):
        return own
    # A frame may lie in the zones of two borders, with the submap before and the one after. Steps towards both are
    # tangent vectors at its own pose, so they add up in either order; zones share at most one frame (`blend_weights`).
    steps = (own[entries].inverse() @ neighbours.pose[counted]).log()
    tangents = np.zeros((len(own), 7))
    np.add.at(tangents, entries, neighbours.weight[counted, None] * steps)
    moved = np.unique(entries)
    return own.with_rows(moved, own[moved] @ Sim3Array.exp(tangents[moved]))


def _with_borrowed_poses(own: Sim3Array, known: NDArray[np.bool_], neighbours: _NeighbourEstimates) -> Sim3Array:
    """Frames whose owner has no pose for them take the neighbour's estimate of most weight."""
    borrowed = np.flatnonzero(~known[neighbours.entry])
    order = np.lexsort((-borrowed, neighbours.weight[borrowed]))  # the heaviest last, and the first of equals
    borrowed = borrowed[order]
    return own.with_rows(neighbours.entry[borrowed], neighbours.pose[borrowed])


def _table(
    scene: Scene,
    geometries: Mapping[int, SubmapCameras],
    owned: _OwnedFrames,
    order: NDArray[np.int64],
    pose: Sim3Array,
) -> FramePoses:
    known = pose.is_finite()
    segments = np.array([submap.segment for submap in scene.submaps], np.int64)
    matrices = np.full((len(order), 4, 4), np.nan)
    matrices[known] = np.eye(4)
    matrices[known, :3, :3] = pose.rotation[known]
    matrices[known, :3, 3] = pose.translation[known] * scene.scale
    submaps = owned.submap[order]
    return FramePoses(
        source_index=owned.source_index[order],
        timestamp=owned.timestamp[order],
        submap=submaps,
        row=owned.row[order],
        segment=np.where(known, segments[submaps], -1) if len(submaps) else np.zeros(0, np.int64),
        scale=np.where(known, pose.scale, np.nan) * scene.scale,
        world_from_camera=matrices,
        depth_scale=np.where(known | _depth_alone(owned, geometries)[order], np.where(known, pose.scale, 1.0), np.nan)
        * scene.scale,
    )


def _depth_alone(owned: _OwnedFrames, geometries: Mapping[int, SubmapCameras]) -> NDArray[np.bool_]:
    """Which owned frames [M] have depth and no pose, by a model that gives none: its unit is that of the world."""
    alone = [number for number, geometry in geometries.items() if geometry.status == Status.DEPTH]
    return np.isin(owned.submap, np.array(alone, np.int64))
