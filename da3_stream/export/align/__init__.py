"""Any PLY file turned upright, and cropped (`aligning.align_ply`); `header` and `rows` read and write such files."""
