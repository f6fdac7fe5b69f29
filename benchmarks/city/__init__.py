"""A city of many runs: one map of them by hierarchy, a sharded index of places, and what it takes on N machines."""
