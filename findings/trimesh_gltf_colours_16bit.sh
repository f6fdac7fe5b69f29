#!/bin/sh
# trimesh 5.2.0: COLOR_0 of a GLB in 8 bits, in 16 bits normalised and as floats; all three are valid in glTF 2.0.
#
# Guess, written down first: the three are the same colours within a step of 8 bits, whether the primitive is points or
# triangles, and with a material or without.
# Seen: points, and triangles without a material, get 16 bits modulo 256: 0.5 (32767) is 255, 0.2 (13107) is 51, and 0.1
# (6553) is 153. Triangles with a material have no vertex_colors at all; the numbers of the file, not divided by 65535,
# lie in visual.vertex_attributes["color"]. No error, no warning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet trimesh==5.2.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import io
import json
import struct

import numpy as np
import trimesh

LINEAR = np.array([[0.1, 0.2, 0.5, 1], [0.3, 0.01, 0.7, 1], [1, 0, 0.9, 1]])
FULL = {np.uint8: 255, np.uint16: 65535, np.float32: 1}
COMPONENT = {np.uint8: 5121, np.uint16: 5123, np.float32: 5126}
POINTS, TRIANGLES = 0, 4


def glb(dtype, mode, with_material):
    """One triangle, or its corners, and the numbers of its colours."""
    xyz = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    colours = (LINEAR * FULL[dtype]).astype(dtype)
    data = xyz.tobytes() + colours.tobytes()
    accessor = {"bufferView": 1, "componentType": COMPONENT[dtype], "count": 3, "type": "VEC4"}
    primitive = {"attributes": {"POSITION": 0, "COLOR_0": 1}, "mode": mode}
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": xyz.nbytes},
            {"buffer": 0, "byteOffset": xyz.nbytes, "byteLength": colours.nbytes},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]},
            accessor if dtype == np.float32 else accessor | {"normalized": True},
        ],
        "meshes": [{"primitives": [primitive | ({"material": 0} if with_material else {})]}],
    }
    if with_material:
        tree["materials"] = [{"pbrMetallicRoughness": {"metallicFactor": 0.0}}]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(data))
    return head + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data, colours


def read(data):
    """Colours of the only shape, and whether they are its vertex colours."""
    (shape,) = trimesh.load_scene(io.BytesIO(data), file_type="glb").geometry.values()
    if isinstance(shape, trimesh.PointCloud):
        return np.asarray(shape.colors), True
    has = getattr(shape.visual, "vertex_colors", None) is not None
    return np.asarray(shape.visual.vertex_colors if has else shape.visual.vertex_attributes["color"]), has


print(f"trimesh {trimesh.__version__}, colours {(255 * LINEAR[:, :3]).round(1).tolist()} of 255")
for dtype in FULL:
    for mode, with_material in ((POINTS, False), (POINTS, True), (TRIANGLES, False), (TRIANGLES, True)):
        data, stored = glb(dtype, mode, with_material)
        found, are_vertex_colours = read(data)
        what = f"{'points' if mode == POINTS else 'triangles'} with{'' if with_material else 'out'} material"
        print(f"  {dtype.__name__:7} {what}: {'' if are_vertex_colours else 'attribute '}{found[:, :3].tolist()}")
        assert are_vertex_colours != (mode == TRIANGLES and with_material), "a material matters otherwise now"
        if not are_vertex_colours:
            assert np.array_equal(found, stored), "the attribute is another now"
        elif dtype == np.uint16:
            assert np.array_equal(found, stored % 256), "16 bits are read otherwise now"
        else:
            assert abs(found - 255 * LINEAR).max() <= 1, "8 bits or floats are read otherwise now"
PYTHON
