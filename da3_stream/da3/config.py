"""The architectures of the DA3 family: sizes and layers of every part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from ..errors import ModelError

_BLOCK = re.compile(r"backbone\.pretrained\.blocks\.\d+\.norm1\.weight$")
RETRAINED = "-1.1"  # the same architecture with other weights
HEADS = ("DualDPT", "DPT")
GAUSSIAN_HEAD = "GSDPT"
FEED_FORWARDS = ("mlp", "swiglufused")


@dataclass(frozen=True)
class BackboneConfig:
    """A vision transformer; from layer `alt_start` on (-1: never) odd layers attend across frames."""

    embed_dim: int
    depth: int
    num_heads: int
    ffn_layer: str = "mlp"
    alt_start: int = -1
    qknorm_start: int = -1
    rope_start: int = -1
    cat_token: bool = False

    @property
    def alternates(self) -> bool:
        """Whether any layer attends across frames."""
        return self.alt_start >= 0

    def is_global(self, layer: int) -> bool:
        """Whether a layer attends across frames."""
        return self.alternates and layer >= self.alt_start and layer % 2 == 1


@dataclass(frozen=True)
class HeadConfig:
    """A dense prediction transformer: DualDPT gives depth, confidence and rays, DPT gives depth and sky."""

    type: str
    dim_in: int
    output_dim: int
    features: int
    out_channels: tuple[int, int, int, int]


@dataclass(frozen=True)
class AdapterConfig:
    """What the channels of the Gaussian head mean, in their order: offset in pixels, scale, quaternion, colour (or
    spherical harmonics), offset of the depth."""

    sh_degree: int
    pred_color: bool = False
    pred_offset_depth: bool = True
    pred_offset_xy: bool = True
    gaussian_scale_min: float = 1e-5
    gaussian_scale_max: float = 30.0

    @property
    def coefficients(self) -> int:
        """Coefficients of each colour."""
        return 1 if self.pred_color else (self.sh_degree + 1) ** 2

    @property
    def channels(self) -> dict[str, slice]:
        """Where each part lies among the channels; a part that the head does not give is empty."""
        widths = {
            "offset": 2 * self.pred_offset_xy,
            "scale": 3,
            "quaternion": 4,
            "colour": 3 * self.coefficients,
            "depth": int(self.pred_offset_depth),
            "opacity": 1,
        }
        ends = list(accumulate(widths.values()))
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


@dataclass(frozen=True)
class GaussianConfig:
    """The head that gives a Gaussian for every pixel, and what its channels mean."""

    head: HeadConfig
    adapter: AdapterConfig


@dataclass(frozen=True)
class NetworkConfig:
    """One branch: backbone, tapped layers, head, the camera parts where it has poses, and a head for Gaussians."""

    vit: BackboneConfig
    out_layers: tuple[int, ...]
    head: HeadConfig
    has_camera: bool
    gaussians: GaussianConfig | None = None


@dataclass(frozen=True)
class NestedConfig:
    """An any-view branch in relative units, and a metric branch that gives it metres and the sky."""

    da3: NetworkConfig
    da3_metric: NetworkConfig


def named_config(name: str) -> NetworkConfig | NestedConfig:
    """The architecture of a released model, such as "da3-small"; raises ModelError with the known names."""
    known, built = _family(), name.removesuffix(RETRAINED)
    if built not in known:
        raise ModelError(f"no DA3 architecture is called {name!r}; known are {', '.join(known)}")
    return known[built]


def read_config(values: Mapping[str, Any]) -> NetworkConfig | NestedConfig:
    """The architecture that a mapping describes (keys vit, out_layers, head, cam_enc, cam_dec, gs_head, gs_adapter; or
    da3, da3_metric).

    Raises ModelError naming the key that is missing, unknown or of a wrong value.
    """
    if not isinstance(values, Mapping):
        raise ModelError(f"an architecture is a name or a mapping, not {type(values).__name__}")
    if "da3" in values or "da3_metric" in values:
        branches = {key: read_config(_part(values, key)) for key in ("da3", "da3_metric")}
        any_view, metric = branches["da3"], branches["da3_metric"]
        if not isinstance(any_view, NetworkConfig) or not isinstance(metric, NetworkConfig):
            raise ModelError("the branches of a nested architecture cannot be nested themselves")
        return NestedConfig(any_view, metric)
    vit, head = _part(values, "vit"), _part(values, "head")
    try:
        layers, gaussians = tuple(values.get("out_layers", ())), _gaussian_config(values)
        parts = _build(BackboneConfig, vit), layers, _head_config(head), "cam_dec" in values, gaussians
        return _require_consistent(NetworkConfig(*parts))
    except TypeError as error:
        raise ModelError(f"not a DA3 architecture: {error}") from error


def family_of(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """The released model that tensors (names without "model.") belong to by width and depth; None if to none."""
    prefix = "da3." if any(key.startswith("da3.") for key in shapes) else ""
    tokens = f"{prefix}backbone.pretrained.cls_token"
    if tokens not in shapes:
        return None
    width, depth = shapes[tokens][-1], len({key for key in shapes if _BLOCK.match(key.removeprefix(prefix))})
    dual = f"{prefix}head.norm.weight" in shapes
    for name, config in _family().items():
        main = config.da3 if isinstance(config, NestedConfig) else config
        same = (main.vit.embed_dim, main.vit.depth, main.head.type == "DualDPT") == (width, depth, dual)
        if same and isinstance(config, NestedConfig) == bool(prefix):
            return name
    return None


def _part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(values.get(key), Mapping):
        raise ModelError(f"the architecture has no part {key!r}")
    return values[key]


def _head_config(values: Mapping[str, Any]) -> HeadConfig:
    built: HeadConfig = _build(HeadConfig, {**values, "out_channels": tuple(values.get("out_channels", ()))})
    return built


def _gaussian_config(values: Mapping[str, Any]) -> GaussianConfig | None:
    """Of a mapping with gs_head and gs_adapter, or neither: one alone is of no use."""
    if "gs_head" not in values and "gs_adapter" not in values:
        return None
    head = _head_config({**_part(values, "gs_head"), "type": GAUSSIAN_HEAD})
    return GaussianConfig(head, _build(AdapterConfig, _part(values, "gs_adapter")))


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    try:
        return kind(**values)
    except TypeError as error:
        raise ModelError(f"an architecture's {kind.__name__}: {error}") from error


def _require_consistent(config: NetworkConfig) -> NetworkConfig:
    vit, head, gaussians = config.vit, config.head, config.gaussians
    width = vit.embed_dim * (2 if vit.cat_token else 1)
    wrong = {
        f"ffn_layer {vit.ffn_layer!r}": vit.ffn_layer not in FEED_FORWARDS,
        f"head type {head.type!r}": head.type not in HEADS,
        f"head dim_in {head.dim_in}, the backbone gives {width}": head.dim_in != width,
        f"num_heads {vit.num_heads} for embed_dim {vit.embed_dim}": vit.embed_dim % (4 * vit.num_heads) != 0,
        f"out_layers {config.out_layers}": len(config.out_layers) != 4
        or list(config.out_layers) != sorted(set(config.out_layers))
        or not all(0 <= layer < vit.depth for layer in config.out_layers),
        f"out_channels {head.out_channels}": len(head.out_channels) != 4,
        **(_wrong_gaussians(gaussians, width, config.has_camera and vit.alternates) if gaussians else {}),
    }
    if any(wrong.values()):
        raise ModelError(f"not a DA3 architecture: {'; '.join(text for text, bad in wrong.items() if bad)}")
    return config


def _wrong_gaussians(config: GaussianConfig, width: int, has_cameras: bool) -> dict[str, bool]:
    """What may be wrong about a Gaussian head, and whether it is; `width` is that of the backbone's tokens."""
    head, adapter = config.head, config.adapter
    wanted = adapter.channels["opacity"].stop
    return {
        "gs_head in a model without cameras": not has_cameras,
        f"gs_head dim_in {head.dim_in}, the backbone gives {width}": head.dim_in != width,
        f"gs_head out_channels {head.out_channels}": len(head.out_channels) != 4,
        f"gs_head features {head.features}, not a multiple of 8": head.features % 8 != 0,
        f"gs_head output_dim {head.output_dim}, gs_adapter takes {wanted}": head.output_dim != wanted,
        f"gs_adapter sh_degree {adapter.sh_degree}, not 0 to 3": not 0 <= adapter.sh_degree <= 3,
    }


def _family() -> dict[str, NetworkConfig | NestedConfig]:
    wide = (256, 512, 1024, 1024)
    giant = _with_gaussians(_any_view(1536, 40, 24, 13, (19, 27, 33, 39), 256, wide, "swiglufused"))
    metric = NetworkConfig(BackboneConfig(1024, 24, 16), (4, 11, 17, 23), HeadConfig("DPT", 1024, 1, 256, wide), False)
    return {
        "da3-small": _any_view(384, 12, 6, 4, (5, 7, 9, 11), 64, (48, 96, 192, 384)),
        "da3-base": _any_view(768, 12, 12, 4, (5, 7, 9, 11), 128, (96, 192, 384, 768)),
        "da3-large": _any_view(1024, 24, 16, 8, (11, 15, 19, 23), 256, wide),
        "da3-giant": giant,
        "da3metric-large": metric,
        "da3mono-large": metric,
        "da3nested-giant-large": NestedConfig(giant, metric),
    }


def _any_view(
    width: int,
    depth: int,
    heads: int,
    start: int,
    out_layers: tuple[int, ...],
    features: int,
    channels: tuple[int, int, int, int],
    ffn_layer: str = "mlp",
) -> NetworkConfig:
    vit = BackboneConfig(width, depth, heads, ffn_layer, start, start, start, cat_token=True)
    return NetworkConfig(vit, out_layers, HeadConfig("DualDPT", 2 * width, 2, features, channels), True)


def _with_gaussians(config: NetworkConfig) -> NetworkConfig:
    """The same, and a Gaussian head of the same size; colours are harmonics of degree 2."""
    adapter = AdapterConfig(sh_degree=2)
    head = replace(config.head, type=GAUSSIAN_HEAD, output_dim=adapter.channels["opacity"].stop)
    return replace(config, gaussians=GaussianConfig(head, adapter))
