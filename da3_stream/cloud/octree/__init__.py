"""One octree over any set of points: its cube, its leaves, its levels of detail, and how it is built out of memory."""
