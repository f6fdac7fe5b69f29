"""Correspondences between frames: SIFT keypoints that are matched, and KLT tracks."""
