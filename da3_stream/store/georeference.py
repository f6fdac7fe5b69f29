"""Where the world of a run lies on the Earth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import StoreError
from ..geometry import Sim3

ORTHONORMAL = 1e-6  # how far a rotation may be from one


@dataclass(frozen=True, eq=False)
class Georeference:
    """How positions as a run gives them (`Scene.scale` applied) become coordinates of a map.

    `crs` is what PROJ reads: "EPSG:32632" or other codes, or WKT; projected, or geocentric ("EPSG:4978"). The
    coordinates that `geographic_from_world` leads to are in its units, in the order easting, northing, height, or
    X, Y, Z. Raises StoreError if it is no text, or the similarity is none.
    """

    crs: str
    geographic_from_world: Sim3

    def __post_init__(self) -> None:
        transform = self.geographic_from_world
        if not (isinstance(self.crs, str) and self.crs.strip()):
            raise StoreError(f"a georeference needs a crs such as 'EPSG:32632', not {self.crs!r}")
        if not (np.isfinite(transform.matrix()).all() and transform.scale > 0):
            raise StoreError("a georeference needs finite numbers and a positive scale in geographic_from_world")
        r = transform.rotation
        if np.abs(r @ r.T - np.eye(3)).max() > ORTHONORMAL or np.linalg.det(r) < 0:
            raise StoreError("the rotation of a georeference's geographic_from_world is none")

    def rescaled(self, factor: float) -> Georeference:
        """The same for a world whose numbers are `factor` times as large."""
        transform = self.geographic_from_world
        return replace(self, geographic_from_world=replace(transform, scale=transform.scale / factor))

    def moved(self, there_from_here: Sim3) -> Georeference:
        """The same for a world in another frame of reference."""
        return replace(self, geographic_from_world=self.geographic_from_world @ there_from_here.inverse())


def georeference_from_json(tree: Any) -> Georeference | None:
    """What scene.json says; None for null. Raises StoreError where it says anything else than it should."""
    if tree is None:
        return None
    try:
        transform = tree["geographic_from_world"]
        return Georeference(tree["crs"], Sim3(transform["scale"], transform["rotation"], transform["translation"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            "scene.json's georeference is malformed: expected null or crs and geographic_from_world with scale, "
            f"rotation and translation ({type(error).__name__} {error})"
        ) from None


def pack_georeference(georeference: Georeference | None) -> dict[str, Any] | None:
    """In texts and arrays, for a file that is written often."""
    if georeference is None:
        return None
    return {"crs": georeference.crs, "place": georeference.geographic_from_world.numbers()}


def unpack_georeference(packed: Mapping[str, Any] | None) -> Georeference | None:
    """Inverse of `pack_georeference`, without loss."""
    return None if packed is None else Georeference(packed["crs"], Sim3.from_numbers(packed["place"]))
