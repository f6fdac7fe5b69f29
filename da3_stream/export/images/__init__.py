"""Images of a run's frames for exports: their cameras, where they are read from, and how they are written."""
