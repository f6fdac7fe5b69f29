"""Which heights a file for maps gets: over the sea, over the ellipsoid, over the first camera, or none."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ExportError
from ...types import Float64
from ..options import Altitude
from .places import Places

GRID = "us_nga_egm96_15"  # PROJ's name of EGM96
_NO_GEOID = f"PROJ has no grid of EGM96 for them on this machine ('pyproj sync --file {GRID}' fetches it)"


@dataclass(frozen=True, eq=False)
class Heights:
    """Heights [N] in metres, None for none; and what is said of them."""

    metres: Float64 | None
    said: str
    geoid: Float64 | None = None  # [N] metres, of the sea over the ellipsoid, beside heights over the sea


def choose_heights(places: Places, altitude: Altitude) -> Heights:
    """The heights that are asked for; `auto` takes those over the sea where they are known.

    Raises ExportError for heights that PROJ cannot tell on this machine.
    """
    if altitude == "auto" and places.over_sea is None:
        return Heights(None, f"without heights: over the sea they are not known, as {_why(places)}")
    if altitude in ("auto", "absolute"):
        return _over_sea(places)
    if altitude == "ellipsoid":
        return _over_ellipsoid(places)
    return Heights(None, "without heights") if altitude == "clamp" else _over_first(places)


def ellipsoidal_heights(places: Places) -> Heights:
    """Those over the ellipsoid where they are known, else none."""
    if places.over_ellipsoid is None:
        return Heights(None, f"without heights: over the ellipsoid they are not known, as {_why(places)}")
    return _over_ellipsoid(places)


def _over_sea(places: Places) -> Heights:
    if places.over_sea is None:
        raise ExportError(f"heights over the sea are not known, as {_why(places)}: or give altitude clamp or ellipsoid")
    geoid = None if places.over_ellipsoid is None else places.over_ellipsoid - places.over_sea
    return Heights(places.over_sea, "heights are over the sea (geoid EGM96)", geoid)


def _over_ellipsoid(places: Places) -> Heights:
    if places.over_ellipsoid is None:
        raise ExportError(f"heights over the ellipsoid are not known, as {_why(places)}: or give altitude clamp")
    return Heights(places.over_ellipsoid, "heights are over the WGS84 ellipsoid, not over the sea")


def _over_first(places: Places) -> Heights:
    known = places.over_sea if places.over_sea is not None else places.over_ellipsoid
    if known is None:
        raise ExportError(f"heights over the first camera are not known, as {_why(places)}")
    return Heights(known - known[0], "heights are over the first camera, as if it stood on the ground")


def _why(places: Places) -> str:
    """Which grid is missing: of the map's own geoid, or of EGM96."""
    if places.over_ellipsoid is None:
        return f"PROJ has no grid for heights of '{places.crs.name}' on this machine"
    return _NO_GEOID
