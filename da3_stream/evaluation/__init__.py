"""A run against ground truth: errors of its trajectory (ATE, RPE, scale drift), of its depth and of its cloud.

`trajectories` reads the truth, `associate` matches frames with it, `compare` aligns each segment; `metrics`, `depth`
and `cloud` compute the numbers, `evaluate` brings them together; `summary` and `plot` are for people.
"""

from .evaluate import evaluate, trajectory_result
from .metrics import straight_line_percent
from .plot import plot_trajectories
from .summary import summary
from .trajectories import Trajectory, read_kitti, read_trajectory, read_tum

__all__ = [
    "Trajectory",
    "evaluate",
    "plot_trajectories",
    "read_kitti",
    "read_trajectory",
    "read_tum",
    "straight_line_percent",
    "summary",
    "trajectory_result",
]
