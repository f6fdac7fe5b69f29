"""The vision transformer: tokens of frames, that attend within a frame and across frames."""
