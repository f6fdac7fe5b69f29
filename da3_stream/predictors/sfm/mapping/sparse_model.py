"""Models of a window as pycolmap holds them, there and back; their lens with its covariance; and their bundle
adjustment from where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens, LensEstimate

# With COLMAP's Huber loss of 1 px the lens that single windows find scatters by 1 px at the corner, with this by 0.3.
LOSS_PX = 0.5
CAMERA_ID = 1


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


def refine_models(
    xy: Sequence[NDArray[np.float32]], models: Sequence[SparseModel], lens: Lens, size: tuple[int, int], free: FreeLens
) -> list[SparseModel]:
    """The models of `map_window` under another lens, or with other parts of it free: a bundle adjustment of what they
    observe, from where they are. A tenth of the price of mapping anew."""
    return [read_model(_adjusted(xy, model, lens, size, free), lens, free) for model in models]


def _adjusted(
    xy: Sequence[NDArray[np.float32]], model: SparseModel, lens: Lens, size: tuple[int, int], free: FreeLens
) -> Any:
    reconstruction = _reconstruction(xy, model, lens, size)
    _adjuster(reconstruction, free).solve()  # pycolmap.bundle_adjustment writes to stderr at any level of its log
    return reconstruction


def _reconstruction(xy: Sequence[NDArray[np.float32]], model: SparseModel, lens: Lens, size: tuple[int, int]) -> Any:
    """pycolmap's reconstruction of a model: one camera, an image and a frame for each of its rows."""
    import pycolmap

    reconstruction = pycolmap.Reconstruction()
    sensor = pycolmap.sensor_t(pycolmap.SensorType.CAMERA, CAMERA_ID)
    reconstruction.add_camera(square_camera(lens, size))
    reconstruction.add_rig(one_camera_rig(sensor))
    tracks = [pycolmap.Track() for _ in model.points]
    for row, pose, observed in zip(model.rows.tolist(), model.model_from_camera, model.observations, strict=True):
        frame = one_image_frame(row, sensor)
        frame.rig_from_world = pycolmap.Rigid3d(np.linalg.inv(pose)[:3])
        reconstruction.add_frame(frame)
        reconstruction.add_image(_image(row, square_pixels(xy[row], lens)))
        reconstruction.register_frame(frame.frame_id)
        for keypoint, point in observed.tolist():
            tracks[point].add_element(row + 1, keypoint)
    for point, track in zip(model.points, tracks, strict=True):
        reconstruction.add_point3D(point, track)
    return reconstruction


def _image(row: int, keypoints: NDArray[np.float32]) -> Any:
    import pycolmap

    image = pycolmap.Image(name=image_name(row), camera_id=CAMERA_ID, image_id=row + 1, frame_id=row + 1)
    image.points2D = pycolmap.Point2DList([pycolmap.Point2D(point) for point in keypoints.astype(np.float64)])
    return image


def one_camera_rig(sensor: Any) -> Any:
    """The rig of a moving camera."""
    import pycolmap

    rig = pycolmap.Rig(rig_id=1)
    rig.add_ref_sensor(sensor)
    return rig


def one_image_frame(row: int, sensor: Any) -> Any:
    """The frame of the image of a row."""
    import pycolmap

    frame = pycolmap.Frame(frame_id=row + 1, rig_id=1)
    frame.add_data_id(pycolmap.data_t(sensor, row + 1))
    return frame


def image_name(row: int) -> str:
    """Of a row's image; in the order of rows."""
    return f"{row:06d}"


def square_pixels(xy: NDArray[np.float32], lens: Lens) -> NDArray[np.float32]:
    """Keypoints with y stretched so that one focal length serves both axes, as in COLMAP's SIMPLE_RADIAL camera."""
    return np.stack([xy[:, 0], lens.cy + (xy[:, 1] - lens.cy) * (lens.fx / lens.fy)], axis=1).astype(np.float32)


def square_camera(lens: Lens, size: tuple[int, int]) -> Any:
    """COLMAP's SIMPLE_RADIAL camera of a lens, for images of (width, height)."""
    import pycolmap

    params = [lens.fx, lens.cx, lens.cy, lens.k1]
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=size[0], height=size[1], params=params)
    camera.camera_id = CAMERA_ID
    camera.has_prior_focal_length = True
    return camera


def set_adjustment(adjustment: Any, free: FreeLens) -> None:
    """Options of a bundle adjustment, whoever runs it."""
    import pycolmap

    adjustment.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    adjustment.ceres.loss_function_scale = LOSS_PX
    adjustment.ceres.solver_options.function_tolerance = 1e-4
    adjustment.refine_focal_length, adjustment.refine_extra_params = free.focal, free.radial
    adjustment.refine_principal_point = False


def read_model(model: Any, lens: Lens, free: FreeLens) -> SparseModel:
    """The model of a reconstruction; `lens` is the one that was begun with."""
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
    """A bundle adjustment of all of a model, not yet run."""
    import pycolmap

    options, config = pycolmap.BundleAdjustmentOptions(), pycolmap.BundleAdjustmentConfig()
    options.print_summary, options.ceres.solver_options.num_threads = False, 1
    set_adjustment(options, free)
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
