"""The stages of the Gaussian head and of what its channels mean, in their order, under the names of the golden vectors
and with the tolerances of their README."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from da3_stream.da3.gaussians import Gaussians
from tests.da3.deviation import Deviation

HEAD_LIMIT = 3e-5
MAPS = ("images_merger_frame1", "output_conv1", "before_output_conv2_frame1", "logits_frame1")
BANDS = {"colour": (slice(0, 1), 3e-5), "degree 1": (slice(1, 4), 1e-4), "degree 2": (slice(4, 9), 1e-4)}

Stages = dict[str, Tensor]


def head_stages(merged: Tensor, coarse: Tensor, fine: Tensor, logits: Tensor) -> Stages:
    """Of what the parts of the head make of all frames: its maps, and the raw channels [1,G,37] of every pixel."""
    found = {"gs_head_output_conv1": coarse, "gs_raw": logits[:, :-1].permute(0, 2, 3, 1).flatten(0, 2)[None]}
    if len(logits) > 1:
        found |= {"gs_head_images_merger_frame1": merged[1], "gs_head_before_output_conv2_frame1": fine[1]}
        found["gs_head_logits_frame1"] = logits[1, :, ::3, ::4]
    return found


def result_stages(found: Gaussians[Tensor]) -> Stages:
    """Of the Gaussians [B,G,...] themselves."""
    return {f"gs_{name}": values for name, values in vars(found).items()}


def gaussian_deviations(stages: Stages, case: Any) -> Iterator[Deviation]:
    """One for every golden array about Gaussians, each over its own maximum; rotations absolute, up to their sign."""
    for name in (f"gs_head_{part}" for part in MAPS if f"gs_head_{part}" in case):
        yield _share(name, stages[name].numpy(), case[name], HEAD_LIMIT)
    index = case["gs_index"]
    raw = stages["gs_raw"].reshape(len(case["gs_raw"]), -1, case["gs_raw"].shape[-1])
    yield _share("gs_raw", raw[:, index].numpy(), case["gs_raw"], 3e-5)
    for name, limit in (("gs_means", 3e-5), ("gs_scales", 4e-5), ("gs_opacities", 3e-5)):
        yield _share(name, stages[name].numpy(), case[name], limit)
    yield rotation_deviation(stages["gs_rotations"].numpy(), case["gs_rotations"])
    yield from harmonics_deviations(stages["gs_harmonics"][:, index].float().numpy(), case["gs_harmonics"])
    if "gs_harmonics_dc" in case:
        yield _share("gs_harmonics_dc", stages["gs_harmonics"][..., 0].numpy(), case["gs_harmonics_dc"], 3e-5)


def rotation_deviation(found: np.ndarray, expected: np.ndarray) -> Deviation:
    """Of quaternions [...,4]."""
    either = [np.abs(sign * found - expected).max(axis=-1) for sign in (1, -1)]
    return Deviation("gs_rotations", float(np.minimum(*either).max()), 3e-4)


def harmonics_deviations(found: np.ndarray, expected: np.ndarray) -> Iterator[Deviation]:
    """Of coefficients [...,9], by degree."""
    for name, (band, limit) in BANDS.items():
        yield _share(f"gs_harmonics of {name}", found[..., band], expected[..., band], limit)


def _share(name: str, found: np.ndarray, expected: np.ndarray, limit: float) -> Deviation:
    difference = np.abs(found.reshape(expected.shape) - expected).max()
    return Deviation(name, float(difference / np.abs(expected).max()), limit)


def deviations_of(found: Gaussians[Tensor], case: Any, prefix: str) -> Iterator[Deviation]:
    """Of Gaussians [G,...] against a case of the adapter alone."""
    for name, limit in (("means", 3e-5), ("scales", 4e-5), ("opacities", 3e-5)):
        if f"{prefix}_{name}" in case:
            yield _share(f"gs_{name}", torch.as_tensor(getattr(found, name)).numpy(), case[f"{prefix}_{name}"], limit)
    if f"{prefix}_rotations" in case:
        yield rotation_deviation(found.rotations.numpy(), case[f"{prefix}_rotations"][0])
        yield from harmonics_deviations(found.harmonics.numpy(), case[f"{prefix}_harmonics"][0])
