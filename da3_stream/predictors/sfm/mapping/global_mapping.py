"""Global structure from motion of one window through pycolmap (GLOMAP: Pan et al., "Global structure-from-motion
revisited", ECCV 2024), single-threaded and seeded, so that the same input gives the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.pairs import TwoView
from ..processes.scratch import scratch_folder
from .sparse_model import (
    FreeLens,
    SparseModel,
    image_name,
    one_camera_rig,
    one_image_frame,
    read_model,
    set_adjustment,
    square_camera,
    square_pixels,
)

# More only cost time (a third of the mapping for 300). Fewer lose weakly textured rooms, and where things repeat global
# positioning goes astray: with 100, which take a third less, the town with a known lens by 17 % of a window's path.
TRACKS_PER_VIEW = 200


def map_window(
    xy: Sequence[NDArray[np.float32]],
    views: Mapping[tuple[int, int], TwoView],
    lens: Lens,
    size: tuple[int, int],
    free: FreeLens,
    seed: int = 0,
) -> list[SparseModel]:
    """Cameras and points of a window, largest model first; nothing if no two frames can be related.

    `xy` holds the keypoints [n,2] of every row, `views` the verified pairs of rows, `size` is (width, height).
    """
    import pycolmap

    pycolmap.logging.minloglevel = 3
    with scratch_folder() as folder:
        database = folder / "window.db"
        _write_database(database, [square_pixels(points, lens) for points in xy], views, square_camera(lens, size))
        options = _options([image_name(row) for row in range(len(xy))], free, seed)
        models = pycolmap.global_mapping(str(database), str(folder), str(folder), options)
        read = [read_model(model, lens, free) for model in models.values()]
    return sorted(read, key=lambda model: (-len(model.rows), int(model.rows[0])))


def _write_database(
    path: Path, xy: Sequence[NDArray[np.float32]], views: Mapping[tuple[int, int], TwoView], camera: Any
) -> None:
    import pycolmap

    with pycolmap.Database.open(str(path)) as database, pycolmap.DatabaseTransaction(database):
        sensor = pycolmap.sensor_t(pycolmap.SensorType.CAMERA, database.write_camera(camera))
        database.write_rig(one_camera_rig(sensor))
        for row, keypoints in enumerate(xy):
            _write_image(database, row, keypoints, sensor)
        for (first, second), view in views.items():
            database.write_matches(first + 1, second + 1, view.matches)
            database.write_two_view_geometry(first + 1, second + 1, _two_view_geometry(view))


def _write_image(database: Any, row: int, keypoints: NDArray[np.float32], sensor: Any) -> None:
    import pycolmap

    database.write_image(pycolmap.Image(name=image_name(row), camera_id=sensor.id, image_id=row + 1), use_image_id=True)
    database.write_frame(one_image_frame(row, sensor), use_frame_id=True)
    database.write_keypoints(row + 1, keypoints)


def _two_view_geometry(view: TwoView) -> Any:
    import pycolmap

    kinds = pycolmap.TwoViewGeometryConfiguration
    geometry = pycolmap.TwoViewGeometry()
    geometry.config = kinds.PLANAR_OR_PANORAMIC if view.planar else kinds.CALIBRATED
    geometry.E, geometry.H, geometry.inlier_matches = view.essential, view.homography, view.matches
    return geometry


def _options(names: list[str], free: FreeLens, seed: int) -> Any:
    import pycolmap

    options = pycolmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed, options.image_names = 1, seed, names
    options.mapper.track_required_tracks_per_view = TRACKS_PER_VIEW
    set_adjustment(options.mapper.bundle_adjustment, free)
    return options
