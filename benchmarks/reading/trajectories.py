"""Trajectory files by evo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.exported import Exported
from tests.export.table.trajectories import kitti_rows
from tests.worlds.known_runs import FRAMES
from tests.worlds.known_street import pose

NOISE = 0.03  # metres, by which the truth that evo is given differs from the run: an error of 0 says little
SAME = 1e-6  # metres between evo's error and `evaluate`'s


def noisy_truth() -> np.ndarray:
    """Poses [N,4,4] beside those of the runs."""
    poses = np.stack([pose(index) for index in range(FRAMES)])
    poses[:, :3, 3] += np.random.default_rng(0).normal(scale=NOISE, size=(FRAMES, 3))
    return poses


def tum_error(bench: Workbench, exported: Exported) -> None:
    """evo's error of the file as it is, that of `da3-stream eval` beside it."""
    truth, path = noisy_truth(), bench.folder / "truth.tum"
    rows = [
        [exported.run.time(index), *each[:3, 3], *Rotation.from_matrix(each[:3, :3]).as_quat()]
        for index, each in enumerate(truth)
    ]
    np.savetxt(path, rows, fmt="%.17g")
    found = bench.python("evo_ape.py", "tum", exported.path, path)
    rows_written = [line for line in exported.path.read_text().splitlines() if not line.startswith("#")]
    assert found["poses"] == len(rows_written)
    _compare(found["rmse"], exported, path)


def kitti_error(bench: Workbench, exported: Exported) -> None:
    """The rows that are real, by the file beside them, and the same rows of the truth."""
    rows = kitti_rows(exported)
    poses = np.loadtxt(exported.path, ndmin=2)[rows]
    found_path, truth_path = bench.folder / "found.kitti", bench.folder / "truth.kitti"
    np.savetxt(found_path, poses, fmt="%.17g")
    truth = noisy_truth()
    np.savetxt(truth_path, truth[rows, :3].reshape(-1, 12), fmt="%.17g")
    found = bench.python("evo_ape.py", "kitti", found_path, truth_path)
    whole = bench.folder / "whole.kitti"
    np.savetxt(whole, truth[:, :3].reshape(-1, 12), fmt="%.17g")
    _compare(found["rmse"], exported, whole)


def _compare(rmse: float, exported: Exported, truth: Path) -> None:
    """That error with `da3-stream eval`'s, in the truth's unit."""
    from da3_stream.evaluation import evaluate

    ours = evaluate(exported.run.path, truth)["ate_rmse_m"]
    assert abs(rmse - ours) < SAME, f"evo says {rmse:.9f}, eval {ours:.9f}"


READERS = (
    Reader("evo", "python", {"tum": {"unknown": tum_error, "frame": tum_error}, "kitti": {"unknown": kitti_error}}),
)
