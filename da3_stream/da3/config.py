"""The architectures of the DA3 family: sizes and layers of every part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError

_BLOCK = re.compile(r"backbone\.pretrained\.blocks\.\d+\.norm1\.weight$")
RETRAINED = "-1.1"  # the same architecture with other weights
HEADS = ("DualDPT", "DPT")
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
class NetworkConfig:
    """One branch: backbone, tapped layers, head, and the camera parts where it has poses."""

    vit: BackboneConfig
    out_layers: tuple[int, ...]
    head: HeadConfig
    has_camera: bool


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
    """The architecture that a mapping describes (keys vit, out_layers, head, cam_enc, cam_dec; or da3, da3_metric).

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
    vit, head = _part(values, "vit"), dict(_part(values, "head"))
    try:
        head["out_channels"] = tuple(head.get("out_channels", ()))
        layers = tuple(values.get("out_layers", ()))
        parts = _build(BackboneConfig, vit), layers, _build(HeadConfig, head), "cam_dec" in values
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


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    try:
        return kind(**values)
    except TypeError as error:
        raise ModelError(f"an architecture's {kind.__name__}: {error}") from error


def _require_consistent(config: NetworkConfig) -> NetworkConfig:
    vit, head = config.vit, config.head
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
    }
    if any(wrong.values()):
        raise ModelError(f"not a DA3 architecture: {'; '.join(text for text, bad in wrong.items() if bad)}")
    return config


def _family() -> dict[str, NetworkConfig | NestedConfig]:
    wide = (256, 512, 1024, 1024)
    giant = _any_view(1536, 40, 24, 13, (19, 27, 33, 39), 256, wide, "swiglufused")
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
