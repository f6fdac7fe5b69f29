"""The camera path on the Earth: GeoJSON (RFC 7946), KML 2.2, GPX 1.1. Heights are over the WGS84 ellipsoid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ...store import RunReader
from ...store.files import json_line, write_text
from ..options import MapOptions
from .geolocation import GeoPath, geo_paths

HEIGHTS = "heights are over the WGS84 ellipsoid"


def export_geojson(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A LineString for each segment (of two frames and more), and Points for the first and the last frame of all."""
    paths = geo_paths(reader, options)
    features = [line for geo_path in paths for line in _line(geo_path)]
    ends = [("first", paths[0], 0), ("last", paths[-1], len(paths[-1]) - 1)]
    features += [_point(name, geo_path, k) for name, geo_path, k in ends]
    lines = ",\n".join(json_line(feature) for feature in features)
    write_text(path, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    return _count(paths)


def export_kml(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A Placemark for each segment: a gx:Track where the time of day is known, else a LineString."""
    paths = geo_paths(reader, options)
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">',
        f"<Document><name>{_name(reader)}</name><description>{HEIGHTS}</description>",
    ]
    marks = [line for geo_path in paths for line in _placemark(geo_path)]
    write_text(path, "\n".join([*head, *marks, "</Document></kml>", ""]))
    return _count(paths)


def export_gpx(reader: RunReader, path: Path, options: MapOptions) -> str:
    """One track with a segment for each of the run's; `time` only where the time of day is known."""
    paths = geo_paths(reader, options)
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="da3_stream" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{_name(reader)}</name><desc>{HEIGHTS}</desc>",
    ]
    segments = [line for geo_path in paths for line in ("<trkseg>", *_track_points(geo_path), "</trkseg>")]
    write_text(path, "\n".join([*head, *segments, "</trk></gpx>", ""]))
    return _count(paths)


def _line(geo_path: GeoPath) -> Iterator[dict[str, Any]]:
    if len(geo_path) < 2:  # RFC 7946 wants two positions and more
        return
    times = geo_path.times()
    properties = {
        "segment": geo_path.segment,
        "frames": geo_path.index,
        "timestamps": geo_path.timestamp,
        **({} if times is None else {"coordTimes": times}),
    }
    coordinates = [_rounded(position) for position in geo_path.position.tolist()]
    yield _feature({"type": "LineString", "coordinates": coordinates}, properties)


def _point(name: str, geo_path: GeoPath, k: int) -> dict[str, Any]:
    times = geo_path.times()
    properties = {
        "name": f"{name} frame",
        "segment": geo_path.segment,
        "frame": int(geo_path.index[k]),
        "timestamp": float(geo_path.timestamp[k]),
        **({} if times is None else {"time": times[k]}),
    }
    return _feature({"type": "Point", "coordinates": _rounded(geo_path.position[k].tolist())}, properties)


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _placemark(geo_path: GeoPath) -> Iterator[str]:
    yield f"<Placemark><name>segment {geo_path.segment}</name>"
    positions = [_decimal(position) for position in geo_path.position.tolist()]
    times = geo_path.times()
    if times is not None:
        yield "<gx:Track><altitudeMode>absolute</altitudeMode>"
        yield from (f"<when>{time}</when>" for time in times)
        yield from (f"<gx:coord>{lon} {lat} {height}</gx:coord>" for lon, lat, height in positions)
        yield "</gx:Track></Placemark>"
    elif len(positions) == 1:
        yield f"<Point><altitudeMode>absolute</altitudeMode><coordinates>{','.join(positions[0])}</coordinates></Point>"
        yield "</Placemark>"
    else:
        yield "<LineString><altitudeMode>absolute</altitudeMode><coordinates>"
        yield from map(",".join, positions)
        yield "</coordinates></LineString></Placemark>"


def _track_points(geo_path: GeoPath) -> Iterator[str]:
    times = geo_path.times()
    time_elements = [""] * len(geo_path) if times is None else [f"<time>{time}</time>" for time in times]
    for (lon, lat, height), time in zip(map(_decimal, geo_path.position.tolist()), time_elements, strict=True):
        yield f'<trkpt lat="{lat}" lon="{lon}"><ele>{height}</ele>{time}</trkpt>'


def _rounded(position: list[float]) -> list[float]:
    """Degrees and metres, to a tenth of a millimetre."""
    return [round(value, digits) for value, digits in zip(position, (9, 9, 4), strict=True)]


def _decimal(position: list[float]) -> list[str]:
    """The same as texts without exponents, which the schemas of KML and GPX do not allow."""
    return [f"{value:.{digits}f}" for value, digits in zip(position, (9, 9, 4), strict=True)]


def _name(reader: RunReader) -> str:
    return escape(reader.path.resolve().name)


def _count(paths: list[GeoPath]) -> str:
    count = sum(map(len, paths))
    return f"{count} places in {len(paths)} segment{'s' if len(paths) != 1 else ''}"
