"""Exports as the programs that people use next read them: COLMAP, evo, nerfstudio, browsers, Blender, GDAL."""
