"""Trajectories, depth and clouds against ground truth."""

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
