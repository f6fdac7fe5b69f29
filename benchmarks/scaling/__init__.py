"""Growth and pace: what a run takes of memory, disk and time, and whether that stays flat."""
