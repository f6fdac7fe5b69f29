"""Bags that robots record with ROS 1 and ROS 2: the camera in them, its pictures, their times and calibration."""
