"""What does a prediction of two small pictures take with each variant of Depth Anything 3 at its full size?

Checkpoints of the released architectures with seeded weights, so depth means nothing; a process for each row runs
`da3-stream predict` as a user does. "whole" is the command from start to end, "network" the CPU seconds of the pass
itself; "peak" is the highest resident memory, "counted" what the command had counted on before it read the weights. A
variant whose weights alone are more than `--most-gb` is left out, and named.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import benchmark, in_child, serve_child, tell
from benchmarks.tables import Column, Row

MODELS = (
    *("da3-small", "da3-base", "da3-large", "da3-giant"),
    *("da3nested-giant-large", "da3mono-large", "da3metric-large"),
)
GB = 1e9

COLUMNS = [
    Column("model", "model"),
    Column("pictures", "pictures"),
    Column("size", "size"),
    Column("weights GB", "weights_gb", "{:.2f}"),
    Column("gives", "gives"),
    Column("whole s", "whole_s", "{:.1f}"),
    Column("network CPU s", "network_s", "{:.2f}"),
    Column("counted GB", "counted_gb", "{:.2f}"),
    Column("peak GB", "peak_gb", "{:.2f}"),
    Column("left out", "left_out"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--models", default=",".join(MODELS), help="names of architectures, with commas")
    command.add_argument("--pictures", type=int, default=2)
    command.add_argument("--resolution", type=int, default=224, help="longest side that the network looks at")
    command.add_argument("--most-gb", type=float, default=23.0, help="memory that weights and a pass may take")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for each model."""
    pictures = _write_pictures(folder / "pictures", options.pictures)
    for model in options.models.split(","):
        tell(f"{model}: seeded weights")
        made = in_child("benchmarks.predict", model, folder / model, options.resolution, options.pictures)
        row = {"model": model, "pictures": options.pictures, "size": made["size"], **made}
        if made["counted_gb"] > options.most_gb:
            yield row | {"left_out": f"more than {options.most_gb:g} GB"}
        else:
            tell(f"{model}: predict")
            yield row | _predict(pictures, folder / model, folder / f"run_{model}", options.resolution)
        shutil.rmtree(folder / model)


def _write_pictures(folder: Path, count: int) -> Path:
    """Pictures of 640x480 with something to see."""
    import cv2
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        coarse = np.random.default_rng(number).integers(0, 255, (12, 16, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number:02}.png"), cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC))
    return folder


def _predict(pictures: Path, model: Path, out: Path, resolution: int) -> Row:
    """The command in a process of its own; run.json tells its seconds and its memory."""
    words = ("predict", pictures, "-o", out, "--model", model, "--device", "cpu", "--resolution", resolution)
    command = [sys.executable, "-m", "da3_stream", *map(str, words), "--hfov-deg", "60", "-q"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    seconds, status = time.perf_counter() - start, json.loads((out / "run.json").read_text())
    return {
        "whole_s": seconds,
        "network_s": status["seconds_by_stage"]["predict"],
        "peak_gb": status["peak_rss_bytes"] / GB,
        "gives": f"depth{' and poses' if status['segments'] else ''}, {status['units']}",
    }


def _make(model: str, folder: str, resolution: str, pictures: str) -> Row:
    """In a process of its own, which frees its memory: the checkpoint's folder, and what a prediction counts on."""
    import torch
    from safetensors.torch import save_file

    from da3_stream.da3 import Network
    from da3_stream.da3.capacity import capacity

    generator, place = torch.Generator().manual_seed(0), Path(folder)
    shapes = {key: value.shape for key, value in Network.from_config(model).tensors().items()}
    weights = {f"model.{key}": 0.02 * torch.randn(shape, generator=generator) for key, shape in shapes.items()}
    place.mkdir(parents=True)
    save_file(weights, place / "model.safetensors")
    (place / "config.json").write_text(json.dumps({"model_name": model}))
    size = (int(resolution), int(resolution) * 3 // 4)
    there = capacity(place, size, device="cpu")
    return {
        "size": f"{size[0]}x{size[1]}",
        "weights_gb": there.weights / GB,
        "counted_gb": (there.weights + there.fixed + int(pictures) * there.frame) / GB,
    }


if __name__ == "__main__":
    serve_child(_make) or main()
