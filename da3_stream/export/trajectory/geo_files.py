"""The camera's path for maps: GeoJSON (RFC 7946), KML 2.2, GPX 1.1. Heights are over the WGS84 ellipsoid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ...store import RunReader
from ...store.files import json_line, write_text
from ..options import MapOptions
from .geolocation import Track, tracks

HEIGHTS = "heights are over the WGS84 ellipsoid"


def export_geojson(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A LineString for each segment (of two frames and more), and Points for the first and the last frame of all."""
    found = tracks(reader, options)
    features = [line for track in found for line in _line(track)]
    ends = [("first", found[0], 0), ("last", found[-1], len(found[-1]) - 1)]
    features += [_point(name, track, k) for name, track, k in ends]
    lines = ",\n".join(json_line(feature) for feature in features)
    write_text(path, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')
    return _count(found)


def export_kml(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A Placemark for each segment: a gx:Track where the time of day is known, else a LineString."""
    found = tracks(reader, options)
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">',
        f"<Document><name>{_name(reader)}</name><description>{HEIGHTS}</description>",
    ]
    marks = [line for track in found for line in _placemark(track)]
    write_text(path, "\n".join([*head, *marks, "</Document></kml>", ""]))
    return _count(found)


def export_gpx(reader: RunReader, path: Path, options: MapOptions) -> str:
    """One track with a segment for each of the run's; `time` only where the time of day is known."""
    found = tracks(reader, options)
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="da3_stream" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{_name(reader)}</name><desc>{HEIGHTS}</desc>",
    ]
    segments = [line for track in found for line in ("<trkseg>", *_track_points(track), "</trkseg>")]
    write_text(path, "\n".join([*head, *segments, "</trk></gpx>", ""]))
    return _count(found)


def _line(track: Track) -> Iterator[dict[str, Any]]:
    if len(track) < 2:  # no line
        return
    times = track.times()
    properties = {
        "segment": track.segment,
        "frames": track.index,
        "timestamps": track.timestamp,
        **({} if times is None else {"coordTimes": times}),
    }
    coordinates = [_rounded(place) for place in track.place.tolist()]
    yield _feature({"type": "LineString", "coordinates": coordinates}, properties)


def _point(name: str, track: Track, k: int) -> dict[str, Any]:
    times = track.times()
    properties = {
        "name": f"{name} frame",
        "segment": track.segment,
        "frame": int(track.index[k]),
        "timestamp": float(track.timestamp[k]),
        **({} if times is None else {"time": times[k]}),
    }
    return _feature({"type": "Point", "coordinates": _rounded(track.place[k].tolist())}, properties)


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _placemark(track: Track) -> Iterator[str]:
    yield f"<Placemark><name>segment {track.segment}</name>"
    places = [_decimal(place) for place in track.place.tolist()]
    times = track.times()
    if times is not None:
        yield "<gx:Track><altitudeMode>absolute</altitudeMode>"
        yield from (f"<when>{time}</when>" for time in times)
        yield from (f"<gx:coord>{lon} {lat} {height}</gx:coord>" for lon, lat, height in places)
        yield "</gx:Track></Placemark>"
    elif len(places) == 1:
        yield f"<Point><altitudeMode>absolute</altitudeMode><coordinates>{','.join(places[0])}</coordinates></Point>"
        yield "</Placemark>"
    else:
        yield "<LineString><altitudeMode>absolute</altitudeMode><coordinates>"
        yield from map(",".join, places)
        yield "</coordinates></LineString></Placemark>"


def _track_points(track: Track) -> Iterator[str]:
    times = track.times()
    said = [""] * len(track) if times is None else [f"<time>{time}</time>" for time in times]
    for (lon, lat, height), time in zip(map(_decimal, track.place.tolist()), said, strict=True):
        yield f'<trkpt lat="{lat}" lon="{lon}"><ele>{height}</ele>{time}</trkpt>'


def _rounded(place: list[float]) -> list[float]:
    """To a tenth of a millimetre."""
    return [round(value, digits) for value, digits in zip(place, (9, 9, 4), strict=True)]


def _decimal(place: list[float]) -> list[str]:
    """As XML's schemas want numbers: without exponents."""
    return [f"{value:.{digits}f}" for value, digits in zip(place, (9, 9, 4), strict=True)]


def _name(reader: RunReader) -> str:
    return escape(reader.path.resolve().name)


def _count(found: list[Track]) -> str:
    count = sum(map(len, found))
    return f"{count} places in {len(found)} segment{'s' if len(found) != 1 else ''}"
