"""The network leaves the number of frames open when torch traces it: what ONNX files are made from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from da3_stream.da3 import Network
from da3_stream.da3.network.clip import Clip, Request

TRACED, SHOWN, MOST = 4, 7, 8  # frames


class OneClip(nn.Module):
    """A network as a function of images alone."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.branch = network.branches[""]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Depth, confidence, poses and K of images [N,3,H,W]."""
        out = self.branch(Clip(images), Request(ref_view="first", frames_at_once=4 * MOST))
        assert out.confidence is not None and out.camera_from_world is not None and out.intrinsics is not None
        return out.depth, out.confidence, out.camera_from_world, out.intrinsics


@pytest.mark.slow
def test_a_graph_traced_with_four_frames_takes_seven(short_network: Callable[[str], Network]) -> None:
    model = OneClip(short_network("tiny")).eval()
    count = torch.export.Dim("count", min=3, max=MOST)  # three frames choose a reference; up to eight are one group
    images = torch.randn(SHOWN, 3, 28, 42, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        graph = torch.export.export(model, (images[:TRACED],), dynamic_shapes=({0: count},))
        for found, expected in zip(graph.module()(images), model(images), strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
