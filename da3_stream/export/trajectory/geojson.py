"""The camera path on the Earth as GeoJSON (RFC 7946), whose heights are over the WGS84 ellipsoid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ExportError
from ...store import RunReader
from ...store.files import json_line, write_text
from ..options import MapOptions
from .geolocation import GeoPath, geo_paths
from .heights import Heights, choose_heights, ellipsoidal_heights
from .places import Places


def export_geojson(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A LineString for each segment (of two frames and more), and Points for the first and the last frame of all.

    Raises ExportError for heights over something else than the ellipsoid.
    """
    if options.altitude in ("absolute", "relative"):
        raise ExportError(
            "heights of geojson are over the ellipsoid (RFC 7946): give altitude ellipsoid or clamp (none)"
        )

    def choose(places: Places) -> Heights:
        return ellipsoidal_heights(places) if options.altitude == "auto" else choose_heights(places, options.altitude)

    found = geo_paths(reader, options, choose)
    paths, said = found.paths, found.heights.said
    features = [line for geo_path in paths for line in _line(geo_path, said)]
    ends = [("first", paths[0], 0), ("last", paths[-1], len(paths[-1]) - 1)]
    features += [_point(name, geo_path, k, said) for name, geo_path, k in ends]
    lines = ",\n".join(json_line(feature) for feature in features)
    write_text(path, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    return found.summary()


def _line(geo_path: GeoPath, heights: str) -> Iterator[dict[str, Any]]:
    if len(geo_path) < 2:  # RFC 7946 wants two positions and more
        return
    properties = {
        "segment": geo_path.segment,
        "frames": geo_path.index,
        "heights": heights,
        **({} if geo_path.timestamp is None else {"timestamps": geo_path.timestamp}),
        **({} if geo_path.times is None else {"coordTimes": geo_path.times}),
    }
    coordinates = [_position(geo_path, k) for k in range(len(geo_path))]
    yield _feature({"type": "LineString", "coordinates": coordinates}, properties)


def _point(name: str, geo_path: GeoPath, k: int, heights: str) -> dict[str, Any]:
    properties = {
        "name": f"{name} frame",
        "segment": geo_path.segment,
        "frame": int(geo_path.index[k]),
        "heights": heights,
        **({} if geo_path.timestamp is None else {"timestamp": float(geo_path.timestamp[k])}),
        **({} if geo_path.times is None else {"time": geo_path.times[k]}),
    }
    return _feature({"type": "Point", "coordinates": _position(geo_path, k)}, properties)


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _position(geo_path: GeoPath, k: int) -> list[float]:
    """Degrees and metres, to a tenth of a millimetre."""
    place = [round(degrees, 9) for degrees in geo_path.longitude_latitude[k].tolist()]
    return place if geo_path.height is None else [*place, round(float(geo_path.height[k]), 4)]
