"""A COLMAP model with points on real tracks, refined where asked for, and the input of 3-D Gaussian splatting.

In the order of the work: keypoints of an image, tracks over all images, triangulation, the model, bundle adjustment.
"""
