"""A surface: TSDF fusion of the depth maps tile by tile, welding of the tiles, and the files it is written to."""
