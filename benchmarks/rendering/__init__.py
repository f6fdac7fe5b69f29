"""Pictures of splats: how exact, how fast, and how much better than points."""
