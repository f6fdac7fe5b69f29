"""Every stage of the network, seen from outside by hooks on its modules, under the names of the golden vectors.

Golden arrays lie in their files in the order in which they were computed, so the first that differs names the part that
went wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from da3_stream.da3 import Network, NetworkOutput
from da3_stream.da3.gaussians.row_stream import RowStream
from da3_stream.da3.heads.camera import decode_cameras
from da3_stream.da3.heads.metric import fill_sky, metres_from_canonical
from tests.da3.deviation import DEPTH_LIMIT, LIMIT, Deviation
from tests.da3.gaussian_stages import gaussian_deviations, head_stages, result_stages

BLOCKS = "backbone.pretrained.blocks"
INPUTS = re.compile(rf"{re.escape(BLOCKS)}\.\d+\.norm2|head\.norm|cam_dec")
OUTPUTS = re.compile(rf"{re.escape(BLOCKS)}\.\d+\.ls[12]|head|head\.resize_layers\.\d|head\.scratch\..+|cam_(dec|enc)")
GIVEN = re.compile(r"(in|raw|ransac|pose_scale|gs)_\w+")  # arrays that go into the network or tell how they came about

Stages = dict[str, Tensor]


class WatchedRows:
    """The bands that a part of the Gaussian head takes and gives, frame by frame."""

    def __init__(self) -> None:
        self._taken: list[list[Tensor]] = []
        self._given: list[list[Tensor]] = []

    def result(self, part: Callable[..., RowStream], *args: Any) -> RowStream:
        """What the part makes of its arguments."""
        args = tuple(self._watched(arg, self._taken) if isinstance(arg, RowStream) else arg for arg in args)
        return self._watched(part(*args), self._given)

    @staticmethod
    def _watched(rows: RowStream, maps: list[list[Tensor]]) -> RowStream:
        seen: list[Tensor] = []
        maps.append(seen)
        return rows.mapped(lambda band: (seen.append(band.clone()), band)[1])

    def taken(self) -> Tensor:
        """What the part took [N,c,h,w]."""
        return torch.cat([torch.cat(bands, dim=2) for bands in self._taken])

    def given(self) -> Tensor:
        """What the part gave [N,c,h,w]."""
        return torch.cat([torch.cat(bands, dim=2) for bands in self._given])


class Seen:
    """What goes through the modules of one branch in one pass; groups of frames are put together again."""

    def __init__(self, branch: Any, tokens: int, stack: ExitStack) -> None:
        self.branch, self.vit = branch, branch.config.vit
        self._tokens = tokens  # of one frame
        self._inputs: dict[str, list[Any]] = defaultdict(list)
        self._outputs: dict[str, list[Any]] = defaultdict(list)
        for name, module in branch.named_modules():
            if INPUTS.fullmatch(name):
                stack.callback(self._keep_inputs(name, module).remove)
            if OUTPUTS.fullmatch(name):
                stack.callback(self._keep_outputs(name, module).remove)
        self.gaussian_maps = {name: self._watch_rows(name, stack) for name in ("merged", "fused", "outputs")}

    def _keep_inputs(self, name: str, module: nn.Module) -> Any:
        return module.register_forward_pre_hook(lambda _, args: self._inputs[name].append(args[0].clone()))

    def _keep_outputs(self, name: str, module: nn.Module) -> Any:
        return module.register_forward_hook(lambda _, args, out: self._outputs[name].append(out))

    def _watch_rows(self, name: str, stack: ExitStack) -> WatchedRows:
        """What goes through a part of the Gaussian head that gives its map in bands of rows."""
        watched = WatchedRows()
        if hasattr(self.branch, "gs_head"):
            part = getattr(self.branch.gs_head, name)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(self.branch.gs_head, name, lambda *args: watched.result(part, *args), raising=False)
        return watched

    def output(self, name: str) -> Tensor | None:
        """What a module made of all frames; None where it was not asked."""
        return torch.cat(self._outputs[name]) if self._outputs[name] else None

    def map(self, name: str) -> Tensor | None:
        """What the head says of all frames; None where it does not know."""
        maps = [getattr(out, name) for out in self._outputs["head"]]
        return None if maps[0] is None else torch.cat(maps)

    def before(self, layer: int) -> Tensor:
        """Tokens [N,T,C] that go into a layer: what its second half gets, less what its first half added."""
        return self._middle(layer) - self._by_frames(self._outputs[f"{BLOCKS}.{layer}.ls1"])

    def after(self, layer: int) -> Tensor:
        """Tokens [N,T,C] that come out of a layer: what its second half gets, and what that adds."""
        return self._middle(layer) + self._by_frames(self._outputs[f"{BLOCKS}.{layer}.ls2"])

    def _middle(self, layer: int) -> Tensor:
        return self._by_frames(self._inputs[f"{BLOCKS}.{layer}.norm2"])

    def _by_frames(self, parts: list[Tensor]) -> Tensor:
        """Layers within frames give [n,T,C], layers across frames [1,n*T,C]."""
        return torch.cat([part.reshape(-1, self._tokens, part.shape[-1]) for part in parts])

    def features(self) -> tuple[Tensor, ...]:
        """Patch tokens [N,P,C or 2C] of the four tapped layers."""
        return torch.cat(self._inputs["head.norm"]).chunk(4)

    def camera_token(self, level: int) -> Tensor:
        """The special token [N,C or 2C] of a tapped layer: the camera decoder's input, where it is."""
        if level == 3 and self._inputs["cam_dec"]:
            return torch.cat(self._inputs["cam_dec"])
        layer = self.branch.config.out_layers[level]
        local = self.after(layer - 1 if self.vit.is_global(layer) else layer)[:, 0]
        return torch.cat([local, self.after(layer)[:, 0]], dim=-1) if self.vit.cat_token else local

    def gaussian_head(self) -> Stages:
        """The maps of the Gaussian head."""
        merged, coarse, logits = (self.gaussian_maps[name].given() for name in ("merged", "fused", "outputs"))
        return head_stages(merged, coarse, self.gaussian_maps["outputs"].taken(), logits)

    def reference(self) -> Tensor:
        """The frame [1] that got the token of the reference."""
        special = self.before(self.vit.alt_start)[:, 0]
        return (special - self.branch.backbone.pretrained.camera_token[0, 0]).norm(dim=-1).argmin()[None]


def stages_of(network: Network, images: Tensor, with_rays: bool = False, **options: Any) -> Stages:
    """Everything that can be seen of images [B,N,3,H,W]; `with_rays` adds the ray branch where it is not asked for."""
    extra = _one_pass(network, images, **{**options, "use_ray_pose": True}) if with_rays else {}
    return {**extra, **_one_pass(network, images, **options)}


def _one_pass(network: Network, images: Tensor, **options: Any) -> Stages:
    tokens = 1 + (images.shape[-2] // 14) * (images.shape[-1] // 14)
    with ExitStack() as stack:
        seen = {name: Seen(branch, tokens, stack) for name, branch in network.branches.items()}
        out = network.forward(images, **options)
    if "da3" in seen:
        found = {**_branch_stages(seen["da3"]), **_nested_stages(seen["da3"], seen["da3_metric"], out)}
    else:
        found = _branch_stages(seen[""])
    found |= _outputs(out)
    if out.gaussians is not None:
        found |= {**seen.get("da3", seen.get("")).gaussian_head(), **result_stages(out.gaussians)}  # type: ignore[union-attr]
    return {name: stage for name, stage in found.items() if stage is not None}


def _branch_stages(seen: Seen) -> dict[str, Tensor | None]:
    return {**_backbone_stages(seen), **_head_stages(seen)}


def _backbone_stages(seen: Seen) -> dict[str, Tensor | None]:
    found: dict[str, Tensor | None] = {"cam_enc_token": seen.output("cam_enc"), "tokens0": seen.before(0)}
    found |= {f"block{layer:02}": seen.after(layer) for layer in range(seen.vit.depth)}
    found |= {f"feat{level}": feature for level, feature in enumerate(seen.features())}
    found |= {f"camtok{level}": seen.camera_token(level) for level in range(4)}
    if seen.vit.alternates:
        found |= {"ref_cls_tokens": seen.after(seen.vit.alt_start - 2)[:, 0], "b_idx": seen.reference()}
    return found


def _head_stages(seen: Seen) -> dict[str, Tensor | None]:
    parts = {f"refinenet{level}": f"refinenet{level}" for level in "1234"}
    parts |= {"refinenet1_aux": "refinenet1_aux", "output_conv1": "output_conv1", "output_conv2": "output_conv2"}
    parts |= {"output_conv1_aux3": "output_conv1_aux.3", "output_conv2_aux3": "output_conv2_aux.3"}
    maps = {"depth": "depth", "depth_conf": "confidence", "sky": "sky", "ray": "rays", "ray_conf": "ray_confidence"}
    return {
        **{f"head_resized{level}": seen.output(f"head.resize_layers.{level}") for level in range(4)},
        **{f"head_{name}": seen.output(f"head.scratch.{module}") for name, module in parts.items()},
        **{f"head_{name}": seen.map(field) for name, field in maps.items()},
        "pose_enc": seen.output("cam_dec"),
    }


def _nested_stages(any_view: Seen, metric: Seen, out: NetworkOutput) -> dict[str, Tensor | None]:
    depth, encoding = any_view.map("depth"), any_view.output("cam_dec")
    canonical, sky = metric.map("depth"), metric.map("sky")
    assert depth is not None and encoding is not None and sky is not None and canonical is not None
    assert out.intrinsics is not None and out.scale_factor is not None
    raw = fill_sky(canonical, sky)
    return {
        "da3_depth": depth,
        "da3_depth_conf": any_view.map("confidence"),
        "da3_extrinsics": decode_cameras(encoding, (depth.shape[-2], depth.shape[-1]))[0],
        "metric_depth_raw": raw,
        "metric_sky": sky,
        "metric_depth_scaled": metres_from_canonical(raw, out.intrinsics[0]),
        "depth_after_scale": depth * out.scale_factor[0],
    }


def _outputs(out: NetworkOutput) -> dict[str, Tensor | None]:
    found: dict[str, Tensor | None] = {
        "out_depth": out.depth,
        "out_depth_conf": out.confidence,
        "out_extrinsics": out.camera_from_world,
        "out_intrinsics": out.intrinsics,
        "out_sky": out.sky,
        "out_scale_factor": None if out.scale_factor is None else out.scale_factor[0],
    }
    thinned = {f"{name}_stride7": x[..., ::7, ::7] for name, x in found.items() if x is not None and x.ndim == 4}
    exported = {f"aux_feat_layer_{layer}": tokens for layer, tokens in (out.exported or {}).items()}
    return {**found, **thinned, **exported}


def deviations(stages: Stages, case: Any, alt_start: int) -> Iterator[Deviation]:
    """One for every array of a golden file that the network makes, in the order of the computation."""
    for name in case.files:
        if GIVEN.fullmatch(name):
            continue
        assert name in stages, f"stage {name} was not seen"
        found = stages[name]
        if re.fullmatch(r"block\d+", name) and "b_idx" in case and int(name[5:]) >= alt_start - 1:
            found = reference_first(found, int(case["b_idx"][0]))
        yield _deviation(name, found.double().numpy(), case[name].astype(np.float64))
    if "gs_raw" in case:
        yield from gaussian_deviations(stages, case)


def reference_first(frames: Tensor, reference: int) -> Tensor:
    """The order [N,...] in which the original goes on once it has chosen its reference."""
    return frames[[reference, *(i for i in range(len(frames)) if i != reference)]]


def _deviation(name: str, found: np.ndarray, expected: np.ndarray) -> Deviation:
    assert found.size == expected.size and (found.shape == expected.shape or not name.startswith("out_")), name
    difference = np.abs(found.reshape(expected.shape) - expected)
    if "depth" in name and "conf" not in name:
        return Deviation(name, float((difference / np.abs(expected)).max()), DEPTH_LIMIT)
    return Deviation(name, float(difference.max() / max(np.abs(expected).max(), 1e-12)), LIMIT)
