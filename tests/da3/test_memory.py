"""Group sizes: planned from what is free, halved where it does not suffice, and said where nothing helps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from da3_stream.da3 import DepthAnything3, Network
from da3_stream.da3.config import named_config
from da3_stream.da3.memory import CONTEXT_BYTES, GB, MemoryPlanner, is_out_of_memory
from da3_stream.da3.network.branch import Branch
from da3_stream.errors import ModelError

CPU = torch.device("cpu")
GIANT = named_config("da3nested-giant-large")
LARGE_FRAMES, WIDE_FRAMES = (27, 36), (11, 36)  # patches of 504x378 and 504x154


def planner(limit_gb: float | None, config: str = "da3-small", weights: int = 0) -> MemoryPlanner:
    return MemoryPlanner(named_config(config), CPU, torch.float32, weights, limit_gb)


def test_more_memory_never_means_smaller_groups() -> None:
    need = planner(None).need(60, LARGE_FRAMES)
    sizes = [planner(gb).plan(need) for gb in (0.01, 0.5, 0.7, 1, 2, 100)]
    assert sizes == sorted(sizes) and sizes[0] == 1 and sizes[-1] == 8
    assert planner(None).plan(need) == 8


def test_what_is_planned_fits() -> None:
    for gb in (1, 2, 4):
        here = planner(gb, "da3-base", 550_000_000)
        need = here.need(60, LARGE_FRAMES)
        group = here.plan(need)
        assert group == 1 or need.total(group) <= gb * GB - 550_000_000


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "budget_gb"), [(LARGE_FRAMES, 8), (WIDE_FRAMES, 5)])
def test_the_largest_model_fits_the_budgets_on_paper(grid: tuple[int, int], budget_gb: float) -> None:
    half, network = MemoryPlanner(GIANT, CPU, torch.bfloat16), Network(GIANT)
    network.load_tensors(network.tensors(), "meta", torch.bfloat16)
    main = network.branches["da3"]
    at_home = sum(weight.nbytes for part in (main.cam_enc, main.gs_head) for weight in part.parameters())
    taken = network.weight_bytes - at_home + CONTEXT_BYTES
    assert half.need(120, grid).total(4) + taken < budget_gb * GB


def test_a_pass_that_runs_out_of_memory_goes_on_with_half() -> None:
    here, tried = planner(None), []

    def work(frames_at_once: int) -> str:
        tried.append(frames_at_once)
        if frames_at_once > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB")
        return "done"

    assert here.run(work, 60, (154, 504)) == "done" and tried == [8, 4, 2]
    assert here.run(work, 60, (154, 504)) == "done" and tried[3:] == [2]  # it has learnt


def test_a_frame_that_does_not_fit_is_said_with_figures() -> None:
    def work(frames_at_once: int) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    sentence = r"not even one frame at a time fits: 60 frames of 504x378 take about 0\.\d GB beside 0\.1 GB of weights"
    with pytest.raises(ModelError, match=sentence + r", 1\.9 GB are left for it; use shorter windows"):
        planner(2, weights=137_000_000).run(work, 60, (378, 504))


def test_weights_beyond_the_limit_are_refused_at_once() -> None:
    with pytest.raises(ModelError, match=r"the weights alone take 0\.1 GB, 0\.1 GB are allowed"):
        planner(0.1, weights=137_000_000)


def test_other_failures_are_passed_on() -> None:
    def work(frames_at_once: int) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        planner(None).run(work, 1, (14, 14))
    assert not is_out_of_memory(RuntimeError("shapes"))


def test_a_model_that_runs_out_of_memory_still_answers(
    goldens: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    case = np.load(goldens / "api_n3.npz")
    pictures = list(case["in_images_u8"])
    original: Callable = Branch.forward

    def forward(self: Branch, clip: object, request: object) -> object:
        if request.frames_at_once > 1:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, clip, request)

    monkeypatch.setattr(Branch, "forward", forward)
    with caplog.at_level(logging.INFO, logger="da3_stream"):
        model = DepthAnything3.from_pretrained(goldens / "tiny_checkpoint", device="cpu")
        found = model.infer(pictures, resolution=112)
    np.testing.assert_allclose(found.depth, case["out_depth"], rtol=1e-4)
    assert "going on with groups of 1 frames" in caplog.text
    assert "weights float32, attention torch's scaled_dot_product_attention, fused for the CPU" in caplog.text
