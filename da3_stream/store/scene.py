"""scene.json: where every submap lies in the world now.

A submap is what a window leaves in the map: all of it, or a part where the predictor reported a break. Submaps are
numbered in the order in which they were added, and that number names their files ("node" in scene.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from ..errors import StoreError
from ..geometry import Sim3
from ..types import Float64
from .files import json_line, json_page, write_text
from .georeference import Georeference, georeference_from_json, pack_georeference, unpack_georeference

Units = Literal["metres", "relative"]


@dataclass(frozen=True, eq=False, slots=True)
class Submap:
    """Where a submap lies. `frames` are its first and last source index, shared frames included.

    `previous` is the submap it was aligned on (None: it begins a segment, or no alignment placed it), and
    `previous_per_unit` that alignment's scale: units of `previous` in one unit of this submap. `join_confidence` is the
    probability that the alignment is right; it concerns the poses of both submaps near the border between them.
    """

    window: int
    segment: int
    frames: tuple[int, int]
    world_from_window: Sim3
    previous: int | None = None
    previous_per_unit: float = 1.0
    join_confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class Scene:
    """All submaps. `scale` multiplies everything that is read back: metres per unit if `units` is metres.

    `georeference` is None until the map is located.
    """

    units: Units = "relative"
    scale: float = 1.0
    submaps: tuple[Submap, ...] = ()
    georeference: Georeference | None = None

    def with_submap(self, submap: Submap) -> Scene:
        """The scene with one more submap, whose number is the count of submaps so far."""
        return replace(self, submaps=(*self.submaps, submap))

    def in_metres(self, scale: float) -> Scene:
        """The scene with so many metres per unit; on the Earth it stays where it is."""
        known = self.georeference
        moved = None if known is None else known.rescaled(scale / self.scale)
        return replace(self, units="metres", scale=scale, georeference=moved)

    def moved(self, there_from_here: Sim3, units: Units) -> Scene:
        """The scene in another frame of reference, with all that is read back; on the Earth it stays where it is."""
        scale = there_from_here.scale * self.scale
        turn = Sim3(1.0, there_from_here.rotation, there_from_here.translation / scale)
        submaps = tuple(replace(submap, world_from_window=turn @ submap.world_from_window) for submap in self.submaps)
        known = self.georeference
        moved = None if known is None else known.moved(there_from_here)
        return Scene(units, scale, submaps, moved)

    def segments(self) -> tuple[int, ...]:
        """The segment numbers in use, ascending."""
        return tuple(sorted({submap.segment for submap in self.submaps}))


class SceneFile:
    """scene.json of a run that writes it often: only submaps that have changed are written out again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: list[tuple[Submap, str]] = []

    def write(self, scene: Scene) -> None:
        """Replace the file in one step. Raises StoreError if a pose is not finite, or where the disk refuses."""
        before = [*self._written, *([(None, "")] * (len(scene.submaps) - len(self._written)))]
        self._written = [
            (submap, text if submap is written else json_line(_submap_to_json(number, submap)))
            for number, (submap, (written, text)) in enumerate(zip(scene.submaps, before, strict=False))
        ]
        head = json_page({"units": scene.units, "scale": scene.scale, "georeference": scene.georeference})
        submaps = ",\n".join(f"    {text}" for _, text in self._written)
        write_text(self._path, head[: -len("\n}\n")] + f',\n  "nodes": [\n{submaps}\n  ]\n}}\n')


def scene_from_json(tree: Mapping[str, Any]) -> Scene:
    """What a `SceneFile` holds, without loss. Raises StoreError if something is missing or of the wrong kind."""
    try:
        submaps = tuple(_submap_from_json(submap) for submap in tree["nodes"])
        scale, georeference = float(tree["scale"]), georeference_from_json(tree["georeference"])
        if tree["units"] not in get_args(Units) or not 0 < scale < np.inf:
            raise ValueError("expected metres or relative units, and a positive scale")
        return Scene(cast(Units, tree["units"]), scale, submaps, georeference)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"scene.json is damaged: {type(error).__name__} {error}") from None


def pack_scene(scene: Scene) -> dict[str, Any]:
    """The scene in arrays and numbers, for a file that is written often."""
    submaps = scene.submaps
    before = [-1 if submap.previous is None else submap.previous for submap in submaps]
    return {
        "units": scene.units,
        "scale": scene.scale,
        "georeference": pack_georeference(scene.georeference),
        "whole": np.array(
            [(n.window, n.segment, *n.frames, b) for n, b in zip(submaps, before, strict=True)], np.int64
        ),
        "real": np.array([(*n.world_from_window.numbers(), n.previous_per_unit, n.join_confidence) for n in submaps]),
    }


def unpack_scene(packed: Mapping[str, Any]) -> Scene:
    """Inverse of `pack_scene`, without loss."""
    rows = zip(packed["whole"].tolist(), packed["real"], strict=True)
    submaps = tuple(_unpack_submap(whole, real) for whole, real in rows)
    georeference = unpack_georeference(packed.get("georeference"))  # absent in runs of before it was there
    return Scene(packed["units"], packed["scale"], submaps, georeference)


def _unpack_submap(whole: list[int], real: Float64) -> Submap:
    window, segment, first, last, before = whole
    previous = None if before < 0 else before
    return Submap(window, segment, (first, last), Sim3.from_numbers(real[:13]), previous, *real[13:].tolist())


def _submap_to_json(number: int, submap: Submap) -> dict[str, Any]:
    pose = submap.world_from_window
    if not _has_place(pose):
        raise StoreError(f"node {number} has no finite place in the world: expected a Sim3 of positive scale")
    return {
        "node": number,
        "window": submap.window,
        "segment": submap.segment,
        "frames": submap.frames,
        "previous": submap.previous,
        "previous_per_unit": submap.previous_per_unit,
        "join_confidence": submap.join_confidence,
        "world_from_window": {
            "scale": pose.scale,
            "rotation": pose.rotation,
            "translation": pose.translation,
        },
    }


def _has_place(pose: Sim3) -> bool:
    return bool(np.isfinite(pose.matrix()).all() and pose.scale > 0)


def _submap_from_json(tree: Mapping[str, Any]) -> Submap:
    numbers, previous = tree["world_from_window"], tree["previous"]
    pose = Sim3(numbers["scale"], numbers["rotation"], numbers["translation"])
    if not _has_place(pose):
        raise ValueError("expected a Sim3 of positive scale")
    first, last = tree["frames"]
    return Submap(
        int(tree["window"]),
        int(tree["segment"]),
        (int(first), int(last)),
        pose,
        None if previous is None else int(previous),
        float(tree["previous_per_unit"]),
        float(tree.get("join_confidence", 1.0)),  # absent in runs of before it was there
    )
