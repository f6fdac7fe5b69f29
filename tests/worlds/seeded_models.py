"""Checkpoints of small networks with seeded weights, one of each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from da3_stream.da3 import Network

VIT = {"embed_dim": 32, "depth": 6, "num_heads": 2, "alt_start": 2, "qknorm_start": 2, "rope_start": 2}
HEAD = {"type": "DualDPT", "dim_in": 64, "output_dim": 2, "features": 8, "out_channels": [8, 8, 8, 8]}
ANY_VIEW = {"vit": VIT | {"cat_token": True}, "head": HEAD, "cam_enc": {}, "cam_dec": {}, "out_layers": [2, 3, 4, 5]}
METRIC = {
    "vit": {"embed_dim": 32, "depth": 4, "num_heads": 2},
    "head": HEAD | {"type": "DPT", "dim_in": 32, "output_dim": 1},
    "out_layers": [0, 1, 2, 3],
}
SPLATS = {
    "gs_head": {"dim_in": 64, "output_dim": 38, "features": 8, "out_channels": [8, 8, 8, 8]},
    "gs_adapter": {"sh_degree": 2, "pred_color": False, "pred_offset_depth": True, "pred_offset_xy": True}
    | {"gaussian_scale_min": 1e-5, "gaussian_scale_max": 30.0},
}
NESTED = {"da3": ANY_VIEW, "da3_metric": METRIC}


def write_checkpoint(folder: Path, config: dict[str, Any], name: str = "seeded") -> Path:
    """A folder as the hub has it, with seeded weights."""
    network, generator = Network.from_config(config), torch.Generator().manual_seed(0)
    tensors = {}
    for key, parameter in network.tensors().items():
        tensors[f"model.{key}"] = 0.1 * torch.randn(parameter.shape, generator=generator)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_name": name, "config": config}))
    return folder
