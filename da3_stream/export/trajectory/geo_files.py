"""The camera path on the Earth as XML: KML 2.2 and GPX 1.1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from xml.sax.saxutils import escape

from ...errors import ExportError
from ...store import RunReader
from ...store.files import write_text
from ..options import Altitude, MapOptions
from .geolocation import GeoPath, geo_paths
from .heights import choose_heights

_MODES = {"absolute": "absolute", "ellipsoid": "absolute", "relative": "relativeToGround"}  # of KML


def export_kml(reader: RunReader, path: Path, options: MapOptions) -> str:
    """A Placemark for each segment: a gx:Track where the time of day is known, else a LineString.

    KML's `absolute` heights are over the sea (EGM96); without any, the path is laid on the ground (clampToGround).
    """
    found = geo_paths(reader, options, partial(choose_heights, altitude=options.altitude))
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">',
        f"<Document><name>{_name(reader)}</name><description>{escape(found.heights.said)}</description>",
    ]
    marks = [line for geo_path in found.paths for line in _placemark(geo_path, options.altitude)]
    write_text(path, "\n".join([*head, *marks, "</Document></kml>", ""]))
    return found.summary()


def export_gpx(reader: RunReader, path: Path, options: MapOptions) -> str:
    """One track with a segment for each of the run's; `time` only where the time of day is known.

    `ele` is over the sea as readers take it, with `geoidheight` beside it. Raises ExportError for heights over the
    first camera.
    """
    if options.altitude == "relative":
        raise ExportError("heights of gpx are over the sea: give altitude absolute, clamp (none) or ellipsoid")
    found = geo_paths(reader, options, partial(choose_heights, altitude=options.altitude))
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="da3_stream" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{_name(reader)}</name><desc>{escape(found.heights.said)}</desc>",
    ]
    segments = [line for geo_path in found.paths for line in ("<trkseg>", *_track_points(geo_path), "</trkseg>")]
    write_text(path, "\n".join([*head, *segments, "</trk></gpx>", ""]))
    return found.summary()


def _placemark(geo_path: GeoPath, altitude: Altitude) -> Iterator[str]:
    yield f"<Placemark><name>segment {geo_path.segment}</name>"
    if geo_path.height is None:
        mode = "clampToGround"
    else:
        mode = _MODES["absolute" if altitude == "auto" else altitude]
    how = f"<altitudeMode>{mode}</altitudeMode>"
    coordinates = list(_coordinates(geo_path))
    if geo_path.times is not None:
        yield f"<gx:Track>{how}"
        yield from (f"<when>{time}</when>" for time in geo_path.times)
        ground = [] if geo_path.height is not None else ["0"]  # a track's places have a height, here without a meaning
        yield from (f"<gx:coord>{' '.join([*place, *ground])}</gx:coord>" for place in coordinates)
        yield "</gx:Track></Placemark>"
    elif len(coordinates) == 1:
        yield f"<Point>{how}<coordinates>{','.join(coordinates[0])}</coordinates></Point></Placemark>"
    else:
        along = "<tessellate>1</tessellate>" if geo_path.height is None else ""  # else it cuts through hills
        yield f"<LineString>{along}{how}<coordinates>"
        yield from map(",".join, coordinates)
        yield "</coordinates></LineString></Placemark>"


def _track_points(geo_path: GeoPath) -> Iterator[str]:
    heights = repeat("") if geo_path.height is None else _elements("ele", map(_metres, geo_path.height.tolist()))
    times = repeat("") if geo_path.times is None else _elements("time", geo_path.times)
    over = geo_path.geoid_height
    geoid = repeat("") if over is None else _elements("geoidheight", map(_metres, over.tolist()))
    places = geo_path.longitude_latitude.tolist()
    for (lon, lat), height, time, sea in zip(places, heights, times, geoid, strict=False):
        yield f'<trkpt lat="{_degrees(lat)}" lon="{_degrees(lon)}">{height}{time}{sea}</trkpt>'


def _coordinates(geo_path: GeoPath) -> Iterator[list[str]]:
    """Longitude, latitude and the height, if there is one."""
    places = [[_degrees(lon), _degrees(lat)] for lon, lat in geo_path.longitude_latitude.tolist()]
    if geo_path.height is None:
        return iter(places)
    return ([*place, _metres(height)] for place, height in zip(places, geo_path.height.tolist(), strict=True))


def _elements(name: str, texts: Iterable[str]) -> Iterator[str]:
    return (f"<{name}>{text}</{name}>" for text in texts)


def _degrees(value: float) -> str:
    """To a tenth of a millimetre, without an exponent, which the schemas of KML and GPX do not allow."""
    return f"{value:.9f}"


def _metres(value: float) -> str:
    return f"{value:.4f}"


def _name(reader: RunReader) -> str:
    return escape(reader.path.resolve().name)
