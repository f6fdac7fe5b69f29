"""The frame gate: keeps the frames of which windows are cut, and leaves out those that add nothing or harm.

Each frame's image quality and its motion since the last kept frame are measured. Frames of a camera that stands still,
blank, blurred and overexposed frames, and glitches are left out; their poses are interpolated later. Where the motion
breaks off for good, the next kept frame begins a new shot.
"""
