#!/bin/sh
# pycolmap 4.2.1: similarity of points in a plane, with the plane through the origin and beside it.
#
# Guess, written down first: a similarity moves with its points. Ten points in a plane, not on a line, tell it as well as
# ten in space, and where the origin lies does not matter: a flight at height 0 is aligned as one at height 7.
# Seen: estimate_sim3d and align_reconstruction_to_locations give None, without a word, where either set lies in a plane
# through the origin (heights that are all 0, or a tilted plane); the same points 7 higher, or 1 mm off the plane, are
# aligned exactly.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycolmap==4.2.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pycolmap

rng = np.random.default_rng(0)
flat = np.column_stack([rng.integers(-50, 50, (10, 2)), np.zeros(10)]).astype(float)
swapped = flat[:, [2, 0, 1]]  # the plane x = 0
tilted = np.column_stack([flat[:, :2], flat[:, 0] + flat[:, 1]])  # z = x + y
rough = flat + [0, 0, 1e-3] * rng.choice([-1.0, 1.0], (10, 1))
up = np.array([0.0, 0, 7])
model = pycolmap.Reconstruction()
model.add_camera_with_trivial_rig(
    pycolmap.Camera(model="SIMPLE_PINHOLE", width=64, height=48, params=[50, 32, 24], camera_id=1)
)
for k, place in enumerate(flat + up, 1):
    image = pycolmap.Image(name=f"{k}.jpg", camera_id=1, image_id=k)
    model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pycolmap.Rotation3d(), -place))


def by_points(target, source):
    return pycolmap.estimate_sim3d(source, target)


def by_cameras(target, _):
    names = [f"{k}.jpg" for k in range(1, 11)]
    return pycolmap.align_reconstruction_to_locations(model, names, target, 3, pycolmap.RANSACOptions(max_error=0.1))


cases = [
    ("points: height 0 to height 0", by_points, 2 * flat, flat, False),
    ("points: height 0 to height 7", by_points, 2 * flat + up, flat, False),
    ("points: height 7 to height 0", by_points, 2 * flat, flat + up, False),
    ("points: height 7 to height 7", by_points, 2 * flat + up, flat + up, True),
    ("points: x = 0 to x = 0", by_points, 2 * swapped, swapped, False),
    ("points: z = x + y to itself", by_points, 2 * tilted, tilted, False),
    ("points: z = x + y + 7 to itself", by_points, 2 * (tilted + up), tilted + up, True),
    ("points: 1 mm beside height 0", by_points, 2 * rough, rough, True),
    ("cameras: height 7 to height 0", by_cameras, 2 * flat, flat + up, False),
    ("cameras: height 7 to height 7", by_cameras, 2 * flat + up, flat + up, True),
]
print("pycolmap", pycolmap.__version__)
for name, align, target, source, expected in cases:
    found = align(target, source)
    print(f"  {name}: {'None' if found is None else f'scale {float(found.scale):.6f}'}")
    assert (found is not None) == expected, "it is aligned otherwise now"
    assert found is None or np.allclose([found * place for place in source], target, atol=1e-6)
PYTHON
