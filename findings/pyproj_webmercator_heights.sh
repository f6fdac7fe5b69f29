#!/bin/sh
# pyproj 3.7.2 (PROJ 9.5.1): heights over the ellipsoid to heights over the sea, from EPSG:3857 (Web Mercator) and others.
#
# Guess, written down first: with a grid of the geoid, a crs with a third axis (`to_3d()`) gives heights over the sea,
# whichever its projection; without one, allow_ballpark=False raises an error. Web Mercator is as good as UTM.
# Seen: UTM, World Mercator and longitude and latitude do so. EPSG:3857 with a third axis passes heights on as they are, with
# the grid and without it, as if it had none; accuracy 0 is claimed. ESRI:102100, the same projection, does as UTM.
# By way of EPSG:4979 the heights of EPSG:3857 come right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyproj==3.7.2 numpy==2.4.6 2>/dev/null
unset PROJ_DATA PROJ_LIB
export PROJ_NETWORK=OFF PROJ_USER_WRITABLE_DIRECTORY="$folder/none"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os
import pathlib
import struct

import numpy as np
import pyproj
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

HEIGHT, GEOID = 123.0, 40.0
SEA, PLACE = "EPSG:4326+5773", (9.0, 49.0)
SOURCES = ("EPSG:3857", "ESRI:102100", "EPSG:3395", "EPSG:32632", "EPSG:4326")


def passed_on(source, target, position):
    try:
        return Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False).transform(*position)
    except ProjError:
        return None


def heights():
    found = {}
    for name in SOURCES:
        xy = Transformer.from_crs("EPSG:4326", name, always_xy=True).transform(*PLACE)
        crs = CRS(name).to_3d()
        assert len(crs.axis_info) == 3
        by_ellipsoid = passed_on("EPSG:4979", SEA, passed_on(crs, "EPSG:4979", (*xy, HEIGHT)))
        found[name] = [at and round(at[2], 6) for at in (passed_on(crs, SEA, (*xy, HEIGHT)), by_ellipsoid)]
    return found


print(f"pyproj {pyproj.__version__}, PROJ {pyproj.proj_version_str}, height over the ellipsoid {HEIGHT} m, geoid {GEOID} m")
without = heights()
pathlib.Path("grids").mkdir()
grid = np.full((181, 361), GEOID, ">f4")  # NOAA's format: first latitude and longitude, steps, counts, rows
pathlib.Path("grids/egm96_15.gtx").write_bytes(struct.pack(">4d2i", -90, -180, 1, 1, *grid.shape) + grid.tobytes())
pyproj.datadir.set_data_dir(pyproj.datadir.get_data_dir() + os.pathsep + os.path.abspath("grids"))
with_grid = heights()
for name in SOURCES:
    print(f"  {name} in 3D: without a grid {without[name][0]}, with one {with_grid[name][0]}; by EPSG:4979"
          f" {without[name][1]}, {with_grid[name][1]} (None: an error)")
    silent = name == "EPSG:3857"
    assert without[name] == [HEIGHT if silent else None, None], "it is another without a grid now"
    assert with_grid[name] == [HEIGHT if silent else HEIGHT - GEOID, HEIGHT - GEOID], "it is another with a grid now"
PYTHON
