"""Whether onnxruntime says of a file what torch says of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .graph import Graph

SEED = 0


def deviations(path: Path, graph: Graph) -> dict[str, float]:
    """The largest deviation of each output, over its largest value, for random images in the numbers that the graph is
    tried with. NaN where either gives one."""
    session, worst = open_session(path), dict.fromkeys(graph.outputs, 0.0)
    generator = torch.Generator().manual_seed(SEED)
    for count in graph.counts:
        images = torch.randn(count, 3, *graph.size, generator=generator)
        with torch.no_grad():
            expected = graph.module(images)
        found = session.run(list(graph.outputs), {"images": images.numpy()})
        for name, array, tensor in zip(graph.outputs, found, expected, strict=True):
            largest = tensor.abs().max()
            share = float((torch.from_numpy(array) - tensor).abs().max() / largest) if largest else float(array.any())
            worst[name] = float(np.maximum(worst[name], share))  # which keeps NaN
    return worst


def open_session(path: Path) -> Any:
    """A file in onnxruntime, on the CPU, with as many threads as torch uses."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
