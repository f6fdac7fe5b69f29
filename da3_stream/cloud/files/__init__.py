"""Files of points, written and read in pieces: PLY, LAS and LAZ."""
