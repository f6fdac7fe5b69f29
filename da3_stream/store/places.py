"""A frame's place in the world: one Sim(3), in the units of the node that owns its depth (design, section 4).

Around the border where ownership passes from one node to the next, both nodes' answers are known. There the place
slides from the earlier node's answer A to the later one's B, A exp(w log(A^-1 B)), w rising evenly from 0 to 1, so
that neither the trajectory nor the cloud has a step. Nothing stored changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry import Sim3
from ..types import Float64
from .scene import Scene
from .windows import NodeGeometry


@dataclass(frozen=True, eq=False)
class FramePlaces:
    """Places of M owned frames, by ascending source index; the scene's scale is applied."""

    source_index: NDArray[np.int64]  # [M]
    timestamp: Float64  # [M] seconds
    node: NDArray[np.int64]  # [M] owner
    row: NDArray[np.int64]  # [M] the frame's row in its owner's geometry
    segment: NDArray[np.int64]  # [M], -1 where there is no place
    scale: Float64  # [M] world units per unit of the owner's depth; NaN where there is no place
    world_from_camera: Float64  # [M,4,4] rigid; NaN where there is no place

    def place(self, m: int) -> Sim3:
        """The place as a similarity: depth in the owner's units -> world."""
        return Sim3(self.scale[m], self.world_from_camera[m, :3, :3], self.world_from_camera[m, :3, 3])


@dataclass(frozen=True)
class _Opinion:
    """A neighbour's answer for a frame, in the owner's units, and how far the place slides towards it (0 to 1)."""

    weight: float
    place: Sim3


def frame_places(scene: Scene, geometries: Mapping[int, NodeGeometry]) -> FramePlaces:
    """Places of all frames owned by the nodes in `geometries` (node number -> geometry), sliding between neighbours.

    A frame whose own pose is NaN takes a neighbour's; without one its place is NaN. Raises StoreError if two nodes
    own the same frame.
    """
    opinions = _opinions(scene, geometries)
    entries = []
    for number, geometry in geometries.items():
        for row in np.flatnonzero(geometry.owned).tolist():
            index = int(geometry.frame_indices[row])
            place = _slid(_answer(scene, number, geometry, row), opinions.get((number, index), []))
            entries.append((index, number, row, geometry.timestamps[row], place))
    entries.sort(key=lambda entry: entry[0])
    return _table(scene, entries)


def slide_weights(earlier: NodeGeometry, later: NodeGeometry) -> dict[int, float]:
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


def _opinions(scene: Scene, geometries: Mapping[int, NodeGeometry]) -> dict[tuple[int, int], list[_Opinion]]:
    """By (owner, source index)."""
    opinions: dict[tuple[int, int], list[_Opinion]] = {}
    for earlier, later, later_per_earlier in _links(scene, geometries):
        for index, weight in slide_weights(geometries[earlier], geometries[later]).items():
            sides = ((earlier, later, weight, later_per_earlier), (later, earlier, 1 - weight, 1 / later_per_earlier))
            for owner, other, towards, other_per_owner in sides:
                place = _opinion_place(scene, geometries, owner, other, index, other_per_owner)
                if place is not None:
                    opinions.setdefault((owner, index), []).append(_Opinion(towards, place))
    return opinions


def _links(scene: Scene, geometries: Mapping[int, NodeGeometry]) -> Iterator[tuple[int, int, float]]:
    """(earlier, later, later units per earlier unit) of aligned nodes of one segment, ordered by what they own."""
    for number in geometries:
        node = scene.nodes[number]
        previous = node.previous
        if previous is None or previous not in geometries or scene.nodes[previous].segment != node.segment:
            continue
        if not (geometries[previous].owned.any() and geometries[number].owned.any()):
            continue
        if _first_owned(geometries[previous]) < _first_owned(geometries[number]):
            yield previous, number, 1.0 / node.previous_per_unit
        else:
            yield number, previous, node.previous_per_unit


def _first_owned(geometry: NodeGeometry) -> int:
    return int(geometry.frame_indices[geometry.owned][0])


def _opinion_place(
    scene: Scene,
    geometries: Mapping[int, NodeGeometry],
    owner: int,
    other: int,
    index: int,
    other_per_owner: float,
) -> Sim3 | None:
    """The other node's answer for a frame that `owner` owns, brought into the owner's units; None without one."""
    mine, theirs = geometries[owner], geometries[other]
    if not mine.owned[np.searchsorted(mine.frame_indices, index)]:
        return None
    answer = _answer(scene, other, theirs, int(np.searchsorted(theirs.frame_indices, index)))
    return None if answer is None else answer @ Sim3(other_per_owner, np.eye(3), np.zeros(3))


def _answer(scene: Scene, number: int, geometry: NodeGeometry, row: int) -> Sim3 | None:
    """world_from_camera by one node alone; None where its pose is unknown."""
    pose = geometry.window_from_camera[row]
    if not np.isfinite(pose).all():
        return None
    return scene.nodes[number].world_from_window @ Sim3(1.0, pose[:3, :3], pose[:3, 3])


def _slid(own: Sim3 | None, opinions: list[_Opinion]) -> Sim3 | None:
    """Own answer moved towards the neighbours'. Two zones never share more than one frame: there the slides add up."""
    if own is None:
        return max(opinions, key=lambda opinion: opinion.weight).place if opinions else None
    inverse = own.inverse()
    tangents = [opinion.weight * (inverse @ opinion.place).log() for opinion in opinions if opinion.weight > 0]
    return own @ Sim3.exp(np.sum(tangents, axis=0)) if tangents else own


def _table(scene: Scene, entries: list[tuple[int, int, int, float, Sim3 | None]]) -> FramePlaces:
    indices = np.array([entry[0] for entry in entries], np.int64)
    twice = indices[1:][np.diff(indices) == 0]
    if len(twice):
        raise StoreError(f"frame {twice[0]} is owned by two nodes: expected one")
    nodes = np.array([entry[1] for entry in entries], np.int64)
    known = np.array([entry[4] is not None for entry in entries], np.bool_)
    segments = np.array([node.segment for node in scene.nodes], np.int64)
    scale = np.full(len(entries), np.nan)
    poses = np.full((len(entries), 4, 4), np.nan)
    for m, entry in enumerate(entries):
        if entry[4] is not None:
            scale[m] = entry[4].scale
            poses[m] = entry[4].rigid()
    poses[:, :3, 3] *= scene.scale
    return FramePlaces(
        source_index=indices,
        timestamp=np.array([entry[3] for entry in entries], np.float64),
        node=nodes,
        row=np.array([entry[2] for entry in entries], np.int64),
        segment=np.where(known, segments[nodes], -1),
        scale=scale * scene.scale,
        world_from_camera=poses,
    )
