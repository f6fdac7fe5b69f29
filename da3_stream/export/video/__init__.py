"""Films of a run's scene from a camera that flies through it."""
