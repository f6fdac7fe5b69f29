"""From correspondences to cameras: global mapping, how good its models are, and the calibration of the lens."""
