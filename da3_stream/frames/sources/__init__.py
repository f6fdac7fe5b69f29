"""Inputs of frames: video files, images, arrays, cameras and network streams, behind one `FrameSource`.

Each kind of input lists its candidates: frames with their times that are not decoded yet. The `FrameSource` selects
among them by the settings (start, end, every, fps), decodes the selected ones, brings them to one size, and records
those that cannot be decoded.
"""
