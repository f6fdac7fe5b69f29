"""Cameras of single pictures, with their poses: COLMAP's models, transforms.json, and files of poses in order."""
