"""What GDAL reads of a vector file (KML, GPX, GeoJSON), or of a raster: JSON."""

import json
import sys

import numpy as np


def vectors(path: str) -> dict:
    """Geometries by layer, as text."""
    import pyogrio
    from pyogrio.raw import read

    layers = {}
    for name, kind in pyogrio.list_layers(path):
        meta, _, geometry, _ = read(path, layer=name)
        layers[str(name)] = {
            "kind": str(kind),
            "crs": meta["crs"],
            "wkb": [bytes(each).hex() for each in geometry],
        }
    return {"gdal": pyogrio.__gdal_version_string__, "layers": layers}


def raster(path: str) -> dict:
    """Size, type and values of the first band."""
    import rasterio

    with rasterio.open(path) as file:
        band = file.read(1)
        return {"shape": band.shape, "dtype": str(band.dtype), "sum": float(np.sum(band, dtype=np.float64))}


print(json.dumps({"vectors": vectors, "raster": raster}[sys.argv[1]](sys.argv[2])))
