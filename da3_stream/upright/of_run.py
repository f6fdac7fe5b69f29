"""Up of a run: its map's, where it is located, else estimated from its largest segment; and the axes that it makes."""

from __future__ import annotations

import numpy as np

from ..cloud import points_in_world, read_page
from ..cloud.pages import COARSEST, count_points
from ..store import BELIEVED, PoseTable, RunReader
from ..store.georeference import Georeference
from ..types import Float64
from .estimate import Up, estimate_up

_POINTS = 20_000  # about, of as many submaps
_SUBMAPS = 40


def up_of_run(reader: RunReader) -> Up:
    """A unit vector in the run's world. Raises StoreError where a page is absent or damaged."""
    georeference = reader.geometry.scene.georeference
    points = np.zeros((0, 3)) if georeference is not None else _some_points(reader)
    return up_of_world(georeference, reader.poses, points)


def up_of_world(georeference: Georeference | None, poses: PoseTable, points: Float64) -> Up:
    """The same from its parts; points [M,3] count only where there is no map."""
    if georeference is not None:
        return Up(_map_up(georeference), 0.0, "map")
    return estimate_up(largest_segment_poses(poses), points)


def upright_rotation(up: Up, poses: Float64) -> Float64:
    """Rotation [3,3] to right, ahead and up: ahead is where the first camera that is known of `poses` [N,4,4] looks, or
    if it looks straight up or down where the top of its picture is."""
    known = np.isfinite(poses).all(axis=(1, 2))
    first = poses[known][0, :3, :3] if known.any() else np.eye(3)
    ahead = first[:, 2] - (first[:, 2] @ up.direction) * up.direction
    if np.linalg.norm(ahead) < 0.1:
        ahead = -first[:, 1] + (first[:, 1] @ up.direction) * up.direction
    if np.linalg.norm(ahead) < 0.1:
        ahead = np.eye(3)[np.argmin(np.abs(up.direction))]
        ahead = ahead - (ahead @ up.direction) * up.direction
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(ahead, up.direction), ahead, up.direction])


def largest_segment_poses(table: PoseTable) -> Float64:
    """Poses [N,4,4] of the segment with most frames, those that are believed where there are any: segments are not tied
    to each other."""
    known = table.has_pose
    if not known.any():
        return np.zeros((0, 4, 4))
    numbers, counts = np.unique(table.segment[known], return_counts=True)
    of_segment = known & (table.segment == numbers[counts.argmax()])
    believed = of_segment & (table.confidence >= BELIEVED)
    return table.world_from_camera[believed if believed.sum() >= 3 else of_segment]


def _map_up(georeference: Georeference) -> Float64:
    """The third axis of a map, or away from the Earth's middle across its ellipsoid, in the run's world."""
    place = georeference.geographic_from_world
    return place.rotation.T @ _vertical(georeference.crs, place.translation)


def _vertical(crs: str, place: Float64) -> Float64:
    """Up in a map's coordinates."""
    from ..cloud.files.laz import coordinate_system

    if not coordinate_system(crs).is_geocentric:
        return np.array([0.0, 0.0, 1.0])
    import pyproj

    to_degrees = pyproj.Transformer.from_crs(coordinate_system(crs), "EPSG:4979", always_xy=True)
    longitude, latitude, _ = np.radians(to_degrees.transform(*place))
    return np.array(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], np.float64
    )


def _some_points(reader: RunReader) -> Float64:
    """Points [M,3] evenly over the largest segment's submaps, some ten thousand."""
    poses, geometry = reader.geometry.frame_poses, reader.geometry
    numbers, counts = np.unique(poses.segment[poses.has_pose], return_counts=True)
    if not len(numbers):
        return np.zeros((0, 3))
    submaps = np.unique(poses.submap[poses.has_pose & (poses.segment == numbers[counts.argmax()])])
    chosen = submaps[np.unique(np.linspace(0, len(submaps) - 1, _SUBMAPS).astype(int))].tolist()
    parts = [np.zeros((0, 3), np.float32)]
    for submap in chosen:
        wanted = max(_POINTS // len(chosen), 1)
        every = min(1 << max((count_points(reader.run, submap) // wanted).bit_length() - 1, 0), COARSEST)
        parts.append(points_in_world(read_page(reader.run, submap, every), geometry, submap).xyz)
    return np.concatenate(parts).astype(np.float64)
