"""What goes with the camera (a bonnet, a pillar, burnt-in text, black bars), found from the video itself.

`scene_motion` says how the scene moves, `evidence` keeps what each pixel showed meanwhile, `regions` makes regions of
that, `detector` does so image by image, and `stage` gives each frame of a stream its mask.
"""
