"""Frames -> WindowGeometry: Depth Anything 3 or structure from motion, which of them a run uses (`model_choice`,
`factory`), and their schedule (`scheduler`).

Nothing is imported here: a worker process of `sfm` would have to import what chooses models and reads settings, too.
"""
