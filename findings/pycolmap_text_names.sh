#!/bin/sh
# pycolmap 4.2.1: names of images with spaces in a model written as text, and as binary.
#
# Guess, written down first: what pycolmap writes it reads; the name is the last thing of its line, so that spaces in it
# do no harm, or write_text refuses them.
# Seen: write_text writes "my flight 1.jpg" as it is, and read_text takes "my" for the name: "my flight 2.jpg" has the same
# one, and find_image_with_name finds neither by its own. No error, no warning. The binary model keeps the names.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycolmap==4.2.1 numpy==2.4.6 2>/dev/null
cd "$folder"
mkdir text binary
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib

import pycolmap

NAMES = ["plain.jpg", "my flight 1.jpg", "my flight 2.jpg", "day 1/3.jpg"]
model = pycolmap.Reconstruction()
model.add_camera_with_trivial_rig(
    pycolmap.Camera(model="SIMPLE_PINHOLE", width=64, height=48, params=[50, 32, 24], camera_id=1)
)
for k, name in enumerate(NAMES, 1):
    image = pycolmap.Image(name=name, camera_id=1, image_id=k)
    model.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
model.write_text("text")
model.write_binary("binary")
text, binary = pycolmap.Reconstruction(), pycolmap.Reconstruction()
text.read_text("text")
binary.read_binary("binary")
read = {kind: [found.image(k + 1).name for k in range(len(NAMES))] for kind, found in (("text", text), ("binary", binary))}
print(f"pycolmap {pycolmap.__version__}, names {NAMES}")
for kind, names in read.items():
    print(f"  read from {kind}: {names}")
written = pathlib.Path("text/images.txt").read_text()
assert all(f" {name}\n" in written for name in NAMES), "the names are written otherwise now"
assert read["binary"] == NAMES, "the binary model keeps names no longer"
assert read["text"] == ["plain.jpg", "my", "my", "day"], "the text model is read otherwise now"
assert text.find_image_with_name("my flight 1.jpg") is None
PYTHON
