#!/bin/sh
# torch 2.13.0: an ONNX file with a free dimension, of a network that enlarges a map by a scale that depends on it.
#
# Guess, written down first: torch.onnx.export goes through torch.export, so that both keep the scale as an expression of
# the free dimension, or both refuse.
# Seen: torch.export refuses, and names the guard that makes the scale a constant. torch.onnx.export says nothing and
# writes a file whose input is free by name; its scale is that of the example, so that a picture of 7 patches gets a table
# for 5. No error, no warning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --extra-index-url https://download.pytorch.org/whl/cpu \
    torch==2.13.0 onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import torch
from torch.nn import functional

SIDE = 37  # of the table, as in DINOv2


class Table(torch.nn.Module):
    def forward(self, image, table):
        scale = (image.shape[0] + 0.1) / SIDE
        return functional.interpolate(table, scale_factor=(scale, scale), mode="bicubic")


model, table = Table(), torch.zeros(1, 1, SIDE, SIDE)
example, free = (torch.zeros(5), table), {"image": {0: torch.export.Dim("n", min=2, max=100)}, "table": None}
try:
    torch.export.export(model, example, dynamic_shapes=free)
    refused = ""
except Exception as error:
    refused = next(line for line in str(error).splitlines() if "guard" in line)
print(f"torch {torch.__version__}")
print(f"  torch.export: {refused.strip()}")
program = torch.onnx.export(model, example, dynamo=True, dynamic_shapes=free, input_names=["image", "table"], verbose=False)
program.save("table.onnx")
session = onnxruntime.InferenceSession("table.onnx", providers=["CPUExecutionProvider"])
print(f"  torch.onnx.export: input {session.get_inputs()[0].shape}, output {session.get_outputs()[0].shape}")
sizes = {}
for patches in (5, 7):
    given = {"image": np.zeros(patches, np.float32), "table": table.numpy()}
    found = session.run(None, {one.name: given[one.name] for one in session.get_inputs()})[0]
    sizes[patches] = (tuple(model(torch.zeros(patches), table).shape[2:]), found.shape[2:])
    print(f"  {patches} patches: torch {sizes[patches][0]}, onnxruntime {sizes[patches][1]}")
assert "0.1" in refused, "torch.export refuses no longer"
assert session.get_inputs()[0].shape == ["n"], "the input is free no longer"
assert sizes == {5: ((5, 5), (5, 5)), 7: ((7, 7), (5, 5))}, "the scale follows the picture now"
PYTHON
