"""Global structure from motion of one window through pycolmap (GLOMAP: Pan et al., "Global structure-from-motion
revisited", ECCV 2024), single-threaded and seeded, so that the same input gives the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens, LensEstimate
from ..matching.pairs import TwoView
from ..processes.scratch import scratch_folder

# With COLMAP's Huber loss of 1 px the lens that single windows find scatters by 1 px at the corner, with this by 0.3.
LOSS_PX = 0.5
TRACKS_PER_VIEW = 200  # more only cost time (a third of the mapping for 300), fewer lose weakly textured rooms


@dataclass(frozen=True, eq=False)
class SparseModel:
    """One connected reconstruction: the rows of the window in it, their cameras and the points that they observe."""

    rows: NDArray[np.int64]  # [n]
    model_from_camera: NDArray[np.float64]  # [n,4,4]
    estimate: LensEstimate | None  # where the lens was free
    points: NDArray[np.float64]  # [p,3]
    observations: list[NDArray[np.int64]]  # n arrays [m,2]: keypoint index and point index


@dataclass(frozen=True)
class FreeLens:
    """Which parts of the lens bundle adjustment may move."""

    focal: bool = False
    radial: bool = False

    def __bool__(self) -> bool:
        return self.focal or self.radial


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
        _write_database(database, [_square_pixels(points, lens) for points in xy], views, _camera(lens, size))
        options = _options([_name(row) for row in range(len(xy))], free, seed)
        models = pycolmap.global_mapping(str(database), str(folder), str(folder), options)
        read = [_read_model(model, lens, free) for model in models.values()]
    return sorted(read, key=lambda model: (-len(model.rows), int(model.rows[0])))


def _square_pixels(xy: NDArray[np.float32], lens: Lens) -> NDArray[np.float32]:
    """Keypoints with y stretched so that one focal length serves both axes, as in COLMAP's SIMPLE_RADIAL camera."""
    return np.stack([xy[:, 0], lens.cy + (xy[:, 1] - lens.cy) * (lens.fx / lens.fy)], axis=1).astype(np.float32)


def _name(row: int) -> str:
    return f"{row:06d}"


def _camera(lens: Lens, size: tuple[int, int]) -> Any:
    import pycolmap

    params = [lens.fx, lens.cx, lens.cy, lens.k1]
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=size[0], height=size[1], params=params)
    camera.has_prior_focal_length = True
    return camera


def _write_database(
    path: Path, xy: Sequence[NDArray[np.float32]], views: Mapping[tuple[int, int], TwoView], camera: Any
) -> None:
    import pycolmap

    with pycolmap.Database.open(str(path)) as database, pycolmap.DatabaseTransaction(database):
        camera_id = database.write_camera(camera)
        sensor = pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera_id)
        rig = pycolmap.Rig(rig_id=1)
        rig.add_ref_sensor(sensor)
        database.write_rig(rig)
        for row, keypoints in enumerate(xy):
            _write_image(database, row, keypoints, camera_id)
        for (first, second), view in views.items():
            database.write_matches(first + 1, second + 1, view.matches)
            database.write_two_view_geometry(first + 1, second + 1, _two_view_geometry(view))


def _write_image(database: Any, row: int, keypoints: NDArray[np.float32], camera_id: int) -> None:
    import pycolmap

    database.write_image(pycolmap.Image(name=_name(row), camera_id=camera_id, image_id=row + 1), use_image_id=True)
    frame = pycolmap.Frame(frame_id=row + 1, rig_id=1)
    sensor = pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera_id)
    frame.add_data_id(pycolmap.data_t(sensor, row + 1))
    database.write_frame(frame, use_frame_id=True)
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
    _set_adjustment(options.mapper.bundle_adjustment, free)
    return options


def _set_adjustment(adjustment: Any, free: FreeLens) -> None:
    import pycolmap

    adjustment.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    adjustment.ceres.loss_function_scale = LOSS_PX
    adjustment.ceres.solver_options.function_tolerance = 1e-4
    adjustment.refine_focal_length, adjustment.refine_extra_params = free.focal, free.radial
    adjustment.refine_principal_point = False


def _read_model(model: Any, lens: Lens, free: FreeLens) -> SparseModel:
    estimate = _estimate_lens(model, lens, free) if free else None
    rows = np.array(sorted(image_id - 1 for image_id in model.reg_image_ids()), np.int64)
    images = [model.image(int(row) + 1) for row in rows]
    poses = np.stack([_matrix(image.cam_from_world().inverse()) for image in images])
    ids = sorted(model.points3D)
    index = {point_id: i for i, point_id in enumerate(ids)}
    points = np.array([model.points3D[point_id].xyz for point_id in ids], np.float64).reshape(-1, 3)
    return SparseModel(rows, poses, estimate, points, [_observations(image, index) for image in images])


def _estimate_lens(model: Any, lens: Lens, free: FreeLens) -> LensEstimate | None:
    """The lens of the model with its covariance, from the Hessian of one more bundle adjustment at the solution."""
    import pycolmap

    covariance = pycolmap.estimate_ba_covariance(pycolmap.BACovarianceOptions(), model, _adjuster(model, free))
    camera = next(iter(model.cameras.values()))
    block = None if covariance is None else covariance.get_other_params_cov(camera.params)
    return None if block is None else _lens_estimate(camera.params, np.asarray(block), lens, free)


def _adjuster(model: Any, free: FreeLens) -> Any:
    """One more bundle adjustment of all of a model, not yet run."""
    import pycolmap

    options, config = pycolmap.BundleAdjustmentOptions(), pycolmap.BundleAdjustmentConfig()
    options.print_summary, options.ceres.solver_options.num_threads = False, 1
    _set_adjustment(options, free)
    for image_id in sorted(model.reg_image_ids()):
        config.add_image(image_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    return pycolmap.create_default_ceres_bundle_adjuster(options, config, model)


def _lens_estimate(params: Any, covariance: NDArray[np.float64], lens: Lens, free: FreeLens) -> LensEstimate:
    focal, _, _, k1 = (float(v) for v in params)
    estimate = Lens(focal, focal * lens.fy / lens.fx, lens.cx, lens.cy, k1)
    focal_sigma = float(np.sqrt(covariance[0, 0])) if free.focal else 0.0
    if not free.radial:
        return LensEstimate(estimate, focal_sigma, 0.0)
    k1_sigma = float(np.sqrt(covariance[-1, -1]))
    correlation = float(covariance[0, -1]) / max(focal_sigma * k1_sigma, 1e-300) if free.focal else 0.0
    return LensEstimate(estimate, focal_sigma, k1_sigma, float(np.clip(correlation, -1.0, 1.0)))


def _matrix(transform: Any) -> NDArray[np.float64]:
    out = np.eye(4)
    out[:3] = transform.matrix()
    return out


def _observations(image: Any, index: Mapping[int, int]) -> NDArray[np.int64]:
    """[m,2] keypoint index and point index of the points that the image observes."""
    pairs = [(i, index[p.point3D_id]) for i, p in enumerate(image.points2D) if p.has_point3D()]
    return np.array(pairs, np.int64).reshape(-1, 2)
