"""Bundle adjustment of a COLMAP model, and a report on what it changed (pycolmap, Ceres).

Poses and points are free, intrinsics are fixed. A weak prior holds each camera centre: tracks between neighbouring
images tell little of how a long path bends, and the run knew more of that (wider matches, loops, scale). Afterwards a
similarity aligns the model with the poses of before, so that origin, orientation and scale of the world stay.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import ExportError
from ...geometry import Sim3
from ...machine import available_memory_bytes
from ...store.files import json_page, write_text
from ...types import Float64

# Both in median reprojection errors of before. The Cauchy loss has 95 % efficiency at 2.4 standard deviations (Holland
# and Welsch 1977). A camera centre's prior has the standard deviation that moves points at its median depth by so much.
LOSS_SCALE = 2.0
PRIOR_SCALE = 1.0
MIN_ERROR_PX = 0.05
MAX_ITERATIONS = 100
# Bytes at the peak, twice what was measured: 470 per observation, all included (kitti07_0-159, 160 images)
BYTES_PER_OBSERVATION, BYTES_PER_IMAGE = 1_000, 100_000


@dataclass(frozen=True)
class AdjustmentReport:
    """What bundle adjustment changed: mean reprojection error, and by how much camera centres moved (in world units)
    and cameras turned."""

    images: int
    points: int
    observations: int
    converged: bool
    seconds: float
    error_before_px: float
    error_after_px: float
    centre_median: float
    centre_max: float
    rotation_median_deg: float
    rotation_max_deg: float

    def text(self, units: str) -> str:
        """One line for people."""
        unit = "m" if units == "metres" else "units"
        return (
            f"refined from {self.error_before_px:.2f} to {self.error_after_px:.2f} px; cameras moved by "
            f"{self.centre_median:.3g} {unit} in the median, {self.centre_max:.3g} at most, and turned by "
            f"{self.rotation_median_deg:.2g} and {self.rotation_max_deg:.2g} degrees"
        )


def require_memory(model: Any) -> None:
    """Raises ExportError with an estimate if the memory that is free now is too small to refine the model."""
    needed = BYTES_PER_OBSERVATION * model.compute_num_observations() + BYTES_PER_IMAGE * model.num_images()
    free = available_memory_bytes()
    if free is not None and free < needed:
        raise ExportError(
            f"refining {model.num_images()} images may take {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB "
            "are free: export fewer frames (--frames, --every), fewer points (--max-points), or without --refine"
        )


def refine(model: Any, report_path: Path) -> AdjustmentReport:
    """Adjust a pycolmap.Reconstruction in place and write the report. Raises ExportError if the solver fails."""
    before, error_before = _poses(model), model.compute_mean_reprojection_error()
    start = time.perf_counter()
    converged = _adjust(model, before)
    _realign(model, before)
    model.update_point_3d_errors()
    report = _report(model, before, error_before, converged, time.perf_counter() - start)
    write_text(report_path, json_page(asdict(report)))
    return report


def _adjust(model: Any, before: Float64) -> bool:
    """Solve the bundle adjustment; returns whether it converged."""
    import pycolmap

    error_px = max(_median_error(model), MIN_ERROR_PX)
    config = pycolmap.BundleAdjustmentConfig()
    for image in model.images:
        config.add_image(image)
    for camera in model.cameras:
        config.set_constant_cam_intrinsics(camera)
    priors = [
        _prior(model, image, pose, PRIOR_SCALE * error_px)
        for image, pose in zip(sorted(model.images), before, strict=True)
    ]
    held = pycolmap.PosePriorBundleAdjustmentOptions()
    held.alignment_ransac.random_seed = 0
    options = _options(LOSS_SCALE * error_px)
    summary = pycolmap.create_pose_prior_bundle_adjuster(options, held, config, priors, model).solve()
    if not summary.is_solution_usable():
        raise ExportError("bundle adjustment failed on this model: export it without --refine")
    return summary.termination_type == pycolmap.BundleAdjustmentTerminationType.CONVERGENCE


def _prior(model: Any, number: int, pose: Float64, error_px: float) -> Any:
    """A prior on a camera's centre, whose standard deviation moves points at their median depth by so many pixels."""
    import pycolmap

    image = model.image(number)
    points = [model.point3D(point.point3D_id).xyz for point in image.get_observation_points2D()]
    depth = float(np.median((np.array(points) - pose[:3, 3]) @ pose[:3, 2])) if points else 1.0
    sigma = error_px * depth / image.camera.mean_focal_length()
    return pycolmap.PosePrior(
        pose_prior_id=number,
        corr_data_id=image.data_id,
        position=pose[:3, 3],
        position_covariance=np.eye(3) * sigma**2,
        coordinate_system=pycolmap.PosePriorCoordinateSystem.CARTESIAN,
    )


def _median_error(model: Any) -> float:
    """Median of the points' mean reprojection errors in pixels; 0 without points."""
    return float(np.median([point.error for point in model.points3D.values()] or [0.0]))


def _options(loss_scale_px: float) -> Any:
    import pycolmap

    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_focal_length = options.refine_extra_params = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = loss_scale_px
    solver = options.ceres.solver_options
    solver.num_threads, solver.max_num_iterations, solver.function_tolerance = 1, MAX_ITERATIONS, 1e-6
    return options


def _realign(model: Any, before: Float64) -> None:
    """Move the whole model by the similarity that aligns its cameras with those of before."""
    import pycolmap

    aligned = pose_alignment(before, _poses(model))
    model.transform(pycolmap.Sim3d(aligned.scale, pycolmap.Rotation3d(aligned.rotation), aligned.translation))


def pose_alignment(target: Float64, poses: Float64) -> Sim3:
    """The similarity target_from_poses of poses [N,4,4]: mean rotation, then scale and translation of the centres.

    Orientations give the rotation, because the centres of a straight path do not determine it.
    """
    turns = target[:, :3, :3] @ poses[:, :3, :3].transpose(0, 2, 1)
    rotation = Rotation.from_matrix(turns).mean().as_matrix()
    a, b = target[:, :3, 3], poses[:, :3, 3] @ rotation.T
    a0, b0 = a.mean(axis=0), b.mean(axis=0)
    spread = float(np.sum((b - b0) ** 2))
    scale = float(np.sum((a - a0) * (b - b0))) / spread if spread > 0 else 1.0
    return Sim3(scale, rotation, a0 - scale * b0)


def _poses(model: Any) -> Float64:
    """world_from_camera [N,4,4] of all images, by image id."""
    out = np.tile(np.eye(4), (model.num_images(), 1, 1))
    for pose, number in zip(out, sorted(model.images), strict=True):
        pose[:3] = model.image(number).cam_from_world().inverse().matrix()
    return out


def _report(model: Any, before: Float64, error_before: float, converged: bool, seconds: float) -> AdjustmentReport:
    after = _poses(model)
    centres = np.linalg.norm(after[:, :3, 3] - before[:, :3, 3], axis=1)
    turns = Rotation.from_matrix(after[:, :3, :3].transpose(0, 2, 1) @ before[:, :3, :3]).magnitude()
    degrees = np.degrees(turns)
    return AdjustmentReport(
        images=model.num_images(),
        points=model.num_points3D(),
        observations=model.compute_num_observations(),
        converged=converged,
        seconds=round(seconds, 3),
        error_before_px=error_before,
        error_after_px=model.compute_mean_reprojection_error(),
        centre_median=float(np.median(centres)),
        centre_max=float(centres.max()),
        rotation_median_deg=float(np.median(degrees)),
        rotation_max_deg=float(degrees.max()),
    )
