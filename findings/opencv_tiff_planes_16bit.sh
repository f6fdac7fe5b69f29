#!/bin/sh
# OpenCV reads a TIFF whose colours are stored plane by plane right with 8 bits, and as another picture with 16 bits.
#
# Guess, written down first: PlanarConfiguration 2 is either read or refused, whatever the depth of the samples.
# Seen: with 8 bits every pixel is right; with 16 bits, and with floats of 32, no error is raised, and the upper third of
# the picture is the first plane, three neighbouring samples of it to a pixel.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 tifffile==2026.3.3 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import cv2
import numpy as np
import tifffile

print("OpenCV", cv2.__version__, "tifffile", tifffile.__version__)
rgb = np.random.default_rng(0).integers(0, 256, (12, 18, 3))
for dtype in (np.uint8, np.uint16, np.float32):
    image = rgb.astype(dtype)
    tifffile.imwrite("planes.tif", np.moveaxis(image, -1, 0), planarconfig="separate", photometric="rgb")
    tifffile.imwrite("pixels.tif", image, planarconfig="contig", photometric="rgb")
    assert np.array_equal(np.moveaxis(tifffile.imread("planes.tif"), 0, -1), image)
    read = {name: cv2.imread(f"{name}.tif", cv2.IMREAD_UNCHANGED)[..., ::-1] for name in ("pixels", "planes")}
    assert np.array_equal(read["pixels"], image), dtype
    right = np.array_equal(read["planes"], image)
    of_first = np.array_equal(read["planes"][:4].reshape(12, 18), image[..., 0])
    print(f"{np.dtype(dtype).name:8} pixel by pixel: right; plane by plane: {'right' if right else 'another picture'},"
          f" the upper third is the first plane: {of_first}")
    assert right == (dtype == np.uint8) and of_first == (dtype != np.uint8)
END
