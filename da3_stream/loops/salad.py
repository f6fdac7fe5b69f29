"""SALAD: features of DINOv2 gathered by optimal transport into one descriptor of a place.

Izquierdo and Civera, "Optimal transport aggregation for visual place recognition" (CVPR 2024, arXiv 2311.15937). Sizes
and names are those of the public checkpoint dino_salad.ckpt.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..da3.backbone.backbone import Backbone, Pass, groups
from ..da3.backbone.blocks import BLOCK_EPS
from ..da3.backbone.embedding import PATCH, normalise_images
from ..da3.config import BackboneConfig
from ..da3.device import best_device, suited_dtype
from ..da3.tensors import load_into
from ..errors import ModelError
from ..types import Float32, WindowGeometry
from .descriptor import Rows, all_rows, has_contrast, unit_vectors, window_images

VIT_B = BackboneConfig(embed_dim=768, depth=12, num_heads=12)
CLUSTERS, CLUSTER_WIDTH, TOKEN_WIDTH, HIDDEN = 64, 128, 256, 512
SINKHORN_ROUNDS = 3
SIDE = 336  # of the square images on which the network was trained
BATCH_SIZE = 8  # frames

MASK_TOKEN = "backbone.model.mask_token"  # used in training only
THEIR_PREFIX, OUR_PREFIX = "backbone.model.", "backbone.pretrained."


class Aggregator(nn.Module):
    """Class token and patch features -> descriptor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token_features = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, TOKEN_WIDTH))
        self.cluster_features = _pointwise(width, CLUSTER_WIDTH)
        self.score = _pointwise(width, CLUSTERS)
        self.dust_bin = nn.Parameter(torch.empty(()))

    def forward(self, token: Tensor, patches: Tensor) -> Tensor:
        """Token [n,C] and features [n,C,h,w] -> unit vectors [n,256+128*64]; needs more than 64 patches."""
        features = self.cluster_features(patches).flatten(2)  # [n,128,hw]
        plan = self.assignment(patches)[:, :-1]
        gathered = functional.normalize(torch.einsum("nki,ndi->ndk", plan, features), dim=1)
        first = functional.normalize(self.token_features(token), dim=-1)
        return functional.normalize(torch.cat([first, gathered.flatten(1)], dim=-1), dim=-1)

    def assignment(self, patches: Tensor) -> Tensor:
        """Transport plan [n,65,hw], the dustbin in the last row (section 3.2, by Sinkhorn's iterations on logarithms:
        Cuturi, NIPS 2013)."""
        scores = self.score(patches).flatten(2)
        rows = torch.cat([scores, self.dust_bin.expand(len(scores), 1, scores.shape[2])], dim=1)
        count = scores.shape[2]
        unit = -math.log(count + CLUSTERS)
        source = rows.new_full((CLUSTERS + 1,), unit)
        source[-1] += math.log(count - CLUSTERS)
        v = rows.new_zeros(len(rows), 1, count)
        for _ in range(SINKHORN_ROUNDS):
            u = source[:, None] - torch.logsumexp(rows + v, dim=2, keepdim=True)
            v = unit - torch.logsumexp(rows + u, dim=1, keepdim=True)
        return (rows + u + v - unit).exp()


class Salad(nn.Module):
    """The whole network; weights by `load`."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone(VIT_B)
        self.backbone.pretrained.norm.eps = BLOCK_EPS  # DINOv2's own; Depth Anything 3 reads tokens with another
        self.aggregator = Aggregator(VIT_B.embed_dim)

    @staticmethod
    def load(
        tensors: Mapping[str, Tensor], device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> Salad:
        """The network with the checkpoint's tensors, all of them and no others; see `load_into`."""
        with torch.device("meta"):
            made = Salad()
        if MASK_TOKEN not in tensors:
            raise ModelError(f"the checkpoint lacks {MASK_TOKEN}: it is not dino_salad.ckpt")
        named = {
            name.replace(THEIR_PREFIX, OUR_PREFIX, 1): value for name, value in tensors.items() if name != MASK_TOKEN
        }
        load_into({"backbone": made.backbone, "aggregator": made.aggregator}, named, device, dtype)
        return made.eval()

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Class token [n,768] and patch features [n,768,h,w] of images, normalised [n,3,H,W] or uint8 [n,H,W,3]."""
        height, width = images.shape[1:3] if images.dtype == torch.uint8 else images.shape[2:]
        grid = (height // PATCH, width // PATCH)
        run = Pass(grid, BATCH_SIZE, lambda layer, frames, tokens: None)
        tokens = self.backbone.pretrained.norm(self.backbone.prefix(images, run).tokens.float())
        return tokens[:, 0], tokens[:, 1:].transpose(1, 2).unflatten(2, grid)

    @torch.inference_mode()
    def forward(self, images: Tensor) -> Tensor:
        """Unit vectors [n,8448] of images whose sides are multiples of 14."""
        return self.aggregator(*self.features(images))


class SaladExtractor:
    """Descriptors of frames resized to a square, as in training."""

    def __init__(self, path: Path, device: torch.device | None = None) -> None:
        """Reads dino_salad.ckpt or a .safetensors file of its tensors; raises ModelError for anything else."""
        self._device = device or best_device()
        self._network = Salad.load(read_tensors(path), self._device, suited_dtype(self._device))

    def extract(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """See `DescriptorExtractor`; what is masked is blank to the network."""
        images = window_images(window, all_rows(window) if rows is None else rows)
        vectors = [self._vectors(images[part]) for part in groups(len(images), BATCH_SIZE)]
        return unit_vectors(np.concatenate(vectors), has_contrast(images))

    def _vectors(self, images: np.ndarray) -> Float32:
        pixels = normalise_images(torch.from_numpy(images).to(self._device))
        square = functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
        return self._network(square).float().cpu().numpy()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a torch file (tensors only: nothing in it is run) or a .safetensors file."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"there is no file {path}: loops.salad takes the path of dino_salad.ckpt") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} is not a file of tensors: {reason}") from None
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise ModelError(f"{path} holds something else than tensors by name: it is not dino_salad.ckpt")
    return tensors


def _pointwise(width: int, out: int) -> nn.Sequential:
    """Two layers on every patch; the second place was a dropout in training."""
    return nn.Sequential(nn.Conv2d(width, HIDDEN, 1), nn.Identity(), nn.ReLU(), nn.Conv2d(HIDDEN, out, 1))
