"""evo's absolute error of a trajectory beside its truth, aligned with scale: evo_ape.py tum|kitti FOUND TRUTH."""

import json
import sys

from evo.core import metrics, sync
from evo.tools import file_interface


def main(kind: str, found_path: str, truth_path: str) -> None:
    """Print rmse and the number of poses as JSON."""
    if kind == "tum":
        found = file_interface.read_tum_trajectory_file(found_path)
        truth = file_interface.read_tum_trajectory_file(truth_path)
        truth, found = sync.associate_trajectories(truth, found, max_diff=1e-4)
    else:
        found = file_interface.read_kitti_poses_file(found_path)
        truth = file_interface.read_kitti_poses_file(truth_path)
    found.align(truth, correct_scale=True)
    error = metrics.APE(metrics.PoseRelation.translation_part)
    error.process_data((truth, found))
    print(json.dumps({"rmse": float(error.get_statistic(metrics.StatisticsType.rmse)), "poses": found.num_poses}))


main(*sys.argv[1:])
