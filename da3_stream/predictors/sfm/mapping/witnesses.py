"""What speaks for and against the poses of a window of structure from motion; `trust.witnesses` tells what each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import umeyama
from ....geometry.lens import Lens
from ..matching.correspondences import Correspondences
from .assemble import WindowCameras
from .lost_tracks import blind_bends, track_loss
from .quality import bridging_points
from .rival_witnesses import rival_witnesses
from .solve import Solution
from .sparse_model import SparseModel
from .two_view_witnesses import PosedRows, match_witnesses, rotation_witnesses, track_witnesses

Array = NDArray[np.float64]

CELLS = (6, 8)  # rows and columns of the image whose coverage by points is counted
AGREEING = 0.05  # of the path of the rows around: two maps that place a camera so near to each other agree
REACH = 10  # rows on either side by which two maps are compared
LEAST_ROWS = 7  # in common, for two maps to be compared


@dataclass(frozen=True, eq=False)
class MappingEvidence:
    """All that is known of a window of (width, height) when its cameras are: the solution that they were assembled
    from, and the correspondences that it explains."""

    cameras: WindowCameras
    solution: Solution
    correspondences: Correspondences
    size: tuple[int, int]


def mapping_witnesses(evidence: MappingEvidence) -> dict[str, Array]:
    """Every witness [N] of structure from motion, one value per row of the window."""
    posed = _posed_of(evidence)
    return {
        **_keypoint_witnesses(evidence, *posed),
        **_followed_witnesses(evidence.correspondences, *posed),
        "measured": evidence.cameras.measured.astype(np.float64),
    }


def keypoint_witnesses(evidence: MappingEvidence) -> dict[str, Array]:
    """Those that keypoints and the models made of them give the rows [N] that have any."""
    return _keypoint_witnesses(evidence, *_posed_of(evidence))


def followed_witnesses(
    poses: Array, breaks: Sequence[int], correspondences: Correspondences, lens: Lens
) -> dict[str, Array]:
    """Those that tracks give rows with these poses [N,4,4]."""
    return _followed_witnesses(correspondences, *_posed(poses, breaks, correspondences, lens))


def _keypoint_witnesses(evidence: MappingEvidence, straight: Sequence[Array], rows: PosedRows) -> dict[str, Array]:
    count, solution = len(rows.poses), evidence.solution
    matches, first = evidence.correspondences.matches, evidence.correspondences.tracked_from
    return {
        **_model_witnesses(evidence, straight, count),
        **match_witnesses(rows, matches, first),
        **rotation_witnesses(rows, solution.views),
        **rival_witnesses(straight, matches, solution.views, solution.lens),
        "far_contradiction": _or_unknown(solution.contradiction, count),
        "near_contradiction": _or_unknown(solution.near_contradiction, count),
        "opinions": agreement(rows.poses, solution.others),
    }


def _followed_witnesses(
    correspondences: Correspondences, straight: Sequence[Array], rows: PosedRows
) -> dict[str, Array]:
    matches, first = correspondences.matches, correspondences.tracked_from
    losses = track_loss(matches, first, [len(xy) for xy in straight])
    return {
        **track_witnesses(rows, matches, first),
        "track_loss": losses,
        "blind_bend_deg": blind_bends(rows.poses, rows.part, losses),
    }


def _posed_of(evidence: MappingEvidence) -> tuple[list[Array], PosedRows]:
    cameras = evidence.cameras
    return _posed(cameras.poses, cameras.breaks, evidence.correspondences, evidence.solution.lens)


def _posed(
    poses: Array, breaks: Sequence[int], correspondences: Correspondences, lens: Lens
) -> tuple[list[Array], PosedRows]:
    """The points [n,2] of every row free of distortion, and the rows with their poses."""
    straight = [lens.undistort(xy.astype(np.float64)) for xy in correspondences.xy]
    return straight, PosedRows.of(poses, breaks, straight, lens)


def _or_unknown(values: Array | None, count: int) -> Array:
    return np.full(count, np.nan) if values is None else values


def agreement(poses: Array, others: Sequence[Sequence[SparseModel]]) -> Array:
    """Share [N] of other maps whose cameras lie, after a similarity of the rows around, where these do; NaN without."""
    maps = [models[0] for models in others if len(models)]
    if not others:
        return np.full(len(poses), np.nan)
    votes = [_agrees(poses, model) for model in maps]
    return np.array(votes).reshape(-1, len(poses)).sum(axis=0) / len(others)


def _agrees(poses: Array, model: SparseModel) -> Array:
    """1 where the model places a row as the poses [N,4,4] do, else 0."""
    centres, out = np.full((len(poses), 3), np.nan), np.zeros(len(poses))
    centres[model.rows] = model.model_from_camera[:, :3, 3]
    known = np.isfinite(centres[:, 0])
    for row in np.flatnonzero(known).tolist():
        around = np.flatnonzero(known[max(0, row - REACH) : row + REACH + 1]) + max(0, row - REACH)
        ours = poses[around, :3, 3]
        path = float(np.linalg.norm(np.diff(ours, axis=0), axis=1).sum())
        if len(around) >= LEAST_ROWS and path > 0:
            moved = umeyama(ours, centres[around]).apply(centres[row : row + 1])[0]
            out[row] = np.linalg.norm(moved - poses[row, :3, 3]) < AGREEING * path
    return out


def _model_witnesses(evidence: MappingEvidence, straight: Sequence[Array], count: int) -> dict[str, Array]:
    """What the models themselves say: residuals, observations and their angles, the points over gaps."""
    names = ("reprojection_px", "observations", "coverage", "parallax_deg")
    table = np.full((count, len(names)), np.nan)
    bridge = np.full(count, np.nan)
    for model in reversed(evidence.solution.models):
        angles = _point_angles(model)
        for i, row in enumerate(model.rows):
            table[row] = _row_witnesses(model, i, straight[row], angles, evidence)
        gaps = bridging_points(model, count).astype(np.float64)
        bridge[model.rows] = np.fmin(np.append(gaps, np.inf), np.append(np.inf, gaps))[model.rows]
    return dict(zip(names, table.T.copy(), strict=True)) | {"bridge": np.minimum(bridge, 1e6)}


def _row_witnesses(
    model: SparseModel, i: int, xy: Array, angles: Array, evidence: MappingEvidence
) -> tuple[float, float, float, float]:
    """Reprojection error, count, coverage and angle of the points that the i-th camera of a model observes."""
    seen, lens = model.observations[i], evidence.solution.lens
    if not len(seen):
        return np.nan, 0.0, 0.0, np.nan
    pose = model.model_from_camera[i]
    local = (model.points[seen[:, 1]] - pose[:3, 3]) @ pose[:3, :3]
    z = np.where(local[:, 2] > 0, local[:, 2], np.nan)
    projected = np.stack([lens.fx * local[:, 0] / z + lens.cx, lens.fy * local[:, 1] / z + lens.cy], axis=1)
    errors = np.nan_to_num(np.linalg.norm(projected - xy[seen[:, 0]], axis=1), nan=1e3)
    (width, height), (lines, columns) = evidence.size, CELLS
    column, line = (xy[seen[:, 0]] * np.array([columns / width, lines / height])).astype(np.int64).T
    cells = np.unique(np.clip(line, 0, lines - 1) * columns + np.clip(column, 0, columns - 1))
    return (
        float(np.median(errors)),
        float(len(seen)),
        len(cells) / (lines * columns),
        float(np.median(angles[seen[:, 1]])),
    )


def _point_angles(model: SparseModel) -> Array:
    """Angle in degrees [p] under which the first and the last camera that see a point see it."""
    first, last = np.zeros(len(model.points), np.int64), np.zeros(len(model.points), np.int64)
    for i in range(len(model.rows) - 1, -1, -1):
        first[model.observations[i][:, 1]] = i
    for i in range(len(model.rows)):
        last[model.observations[i][:, 1]] = i
    centres = model.model_from_camera[:, :3, 3]
    a, b = model.points - centres[first], model.points - centres[last]
    cosine = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-300)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
