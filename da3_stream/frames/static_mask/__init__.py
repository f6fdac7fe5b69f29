"""What goes with the camera (a bonnet, a pillar, burnt-in text, black bars), found from the video itself.

`scene_motion` says how the scene moves and `standing` when it doesn't though something passes, `evidence` keeps what
each pixel showed meanwhile, `edges` says which edges stayed and which of them can't be the scene's, `regions` (with
`outlines` and `bars`) makes regions of those, `detector` does all this image by image, and `stage` gives each frame of
a stream its mask.
"""
