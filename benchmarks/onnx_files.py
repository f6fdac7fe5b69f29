"""What does a model become as an ONNX file: opset, size, parity, and seconds a frame beside torch on two cores?

Seeded weights, one process for each row; "tiny" and "tinymono" are the small networks of the golden vectors. A model is
exported as `da3-stream weights export` does it, which asks onnxruntime whether it says the same; "differs" is the
largest deviation of an output over its largest value. Then both look at the same pictures: single frames in threes,
views as many as the graph takes; the best of a few rounds counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import benchmark, data_dir, in_child, serve_child, tell
from benchmarks.tables import Column, Row

MODELS = ("tinymono", "tiny", "da3-small", "da3metric-large")  # da3mono-large is built as the metric one
THREADS = 2
ROUNDS = 3
FRAMES = 3  # of models that look at single frames

COLUMNS = [
    Column("model", "model"),
    Column("size", "size"),
    Column("frames", "frames"),
    Column("opset", "opset"),
    Column("MB", "megabytes", "{:.1f}"),
    Column("export s", "export_s", "{:.0f}"),
    Column("differs", "differs", "{:.1e}"),
    Column("torch s/frame", "torch_s", "{:.3f}"),
    Column("onnxruntime s/frame", "onnxruntime_s", "{:.3f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--models", default="tiny,tinymono,da3-small,da3metric-large", help="architectures, with commas"
    )
    command.add_argument("--size", default="504x378", help="WIDTHxHEIGHT in multiples of 14")
    command.add_argument("--views", type=int, default=2, help="of models with poses")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One row for each model."""
    for model in options.models.split(","):
        tell(model)
        row = in_child("benchmarks.onnx_files", model, options.size, str(options.views))
        yield {"model": model, "size": options.size, **row}


def _measure(model: str, size: str, views: str) -> Row:
    """In a process of its own: a checkpoint, its file, and both at work."""
    import torch

    from da3_stream.da3.checkpoint import read_checkpoint
    from da3_stream.da3.onnx import export_onnx
    from da3_stream.da3.onnx.checking import open_session

    torch.set_num_threads(THREADS)
    width, height = (int(side) for side in size.split("x"))
    with tempfile.TemporaryDirectory() as place:
        folder = _checkpoint(model, Path(place))
        network = read_checkpoint(folder).network
        fixed = int(views) if network.branches[""].config.has_camera else None
        start = time.perf_counter()
        file = export_onnx(folder, Path(place) / "model.onnx", views=fixed, size=(height, width))
        export_s, count = time.perf_counter() - start, fixed or FRAMES
        images = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))
        session, array = open_session(file.files[0]), images.numpy()
        return {
            "frames": count,
            "opset": file.opset,
            "megabytes": file.size / 1e6,
            "export_s": export_s,
            "differs": max(file.deviations.values()),
            "torch_s": _best_s(lambda: network.forward(images[None])) / count,
            "onnxruntime_s": _best_s(lambda: session.run(None, {"images": array})) / count,
        }


def _checkpoint(model: str, place: Path) -> Path:
    """A folder with a checkpoint of seeded weights."""
    import torch
    from safetensors.torch import save_file

    from da3_stream.da3 import Network

    small = json.loads((data_dir().parent / "goldens" / "tiny_configs.json").read_text()) if "tiny" in model else {}
    network, generator = Network.from_config(small.get(model, model)), torch.Generator().manual_seed(0)
    shapes = {key: tensor.shape for key, tensor in network.tensors().items()}
    folder = place / model
    folder.mkdir()
    save_file(
        {key: 0.02 * torch.randn(shape, generator=generator) for key, shape in shapes.items()},
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps({"model_name": model, "config": small.get(model)}))
    return folder


def _best_s(work: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    serve_child(_measure) or main()
