"""Image files: which are frames, their pictures, and what their metadata tell."""
