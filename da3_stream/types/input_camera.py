"""What is known of the camera before any picture is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..geometry.camera_models import CameraModel
from .window import Float64

FOCAL_SIGMA = 0.05  # relative; of focal lengths in EXIF data and tags


@dataclass(frozen=True, eq=False)
class InputCamera:
    """The camera of an input.

    `k` [3,3] is the pinhole of its frames at the input's resolution, after they were straightened (None: unknown);
    its focal length is held as it is where `focal_sigma` is None, else a first guess with that relative standard
    deviation. `lens` took the pictures as they are stored, where that is known; `source` says who tells. Pictures that
    are views cut out of those that are stored are told by `is_cut_out`; where every picture has a camera of its own
    (`Frame.intrinsics`), that is told by `is_of_each`, and `has_poses` where they stood.
    """

    k: Float64 | None = None
    focal_sigma: float | None = None
    lens: CameraModel | None = None
    source: str | None = None
    is_cut_out: bool = False
    is_of_each: bool = False
    has_poses: bool = False

    @property
    def is_straightened(self) -> bool:
        """Whether the distortion of the lens was known and taken out of the frames: none is left to be learnt."""
        return self.lens is not None and not self.lens.is_pinhole

    def as_json(self) -> dict[str, Any]:
        """COLMAP's model and parameters of the pictures as they are stored (null: unknown), and who tells them."""
        params: Sequence[float] | None = None if self.lens is None else self.lens.params
        return {"model": None if self.lens is None else self.lens.name, "params": params, "source": self.source}
