"""What a prediction will do, told before its weights are read: how many pictures, in how many passes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FramesError, ModelError, StoreError
from ..frames import open_source
from ..frames.image_size import scale_to
from ..machine import spare_memory_bytes
from ..predictors.adapter import DEFAULT_OVERLAP, DEFAULT_WINDOW
from ..predictors.model_choice import DA3_SIDE, ResolvedModel, choose_for_pictures
from ..settings import Settings
from ..store import Run

ONE_BY_ONE = 16  # pictures that are in memory where the model looks at each by itself


@dataclass(frozen=True)
class PredictionPlan:
    """The model, the settings with the windows to use, how many pictures there are (None: unknown), whether the model
    looks at them together, and what was counted of the memory, for people."""

    model: ResolvedModel
    settings: Settings
    pictures: int | None
    together: bool
    memory: str

    def __str__(self) -> str:
        size, count = self.settings.windows.size or 0, self.pictures
        what = "pictures" if count is None else f"{count} picture{'s' * (count != 1)}"
        if not self.together:
            return f"{what}, each by itself"
        if count is not None and count <= size:
            return f"{what} in one pass"
        how = f"{what} by windows of {size}, not in one pass"
        return how if count is None else f"{how}: more do not fit into memory ({self.memory})"


def plan_prediction(source: Any, settings: Settings, out: Path | None) -> PredictionPlan:
    """Look at the input, the model's architecture and the free memory; nothing large is allocated.

    `windows.size` of the settings is an upper bound; what an earlier process began in `out` (None: nothing is gone on
    with) keeps its windows. Raises Da3StreamError with one sentence.
    """
    from ..da3.capacity import capacity

    model = choose_for_pictures(settings.model)
    assert model.folder is not None
    side = settings.model.resolution or DA3_SIDE
    found = open_source(source, settings.frames, side, settings.camera)
    if found.feed is not None:
        raise FramesError(f"'{found.name}' is live input: give files, or use 'da3-stream run'")
    there = capacity(
        model.folder,
        scale_to(found.size, side),  # the network enlarges small ones
        device=None if settings.model.device == "auto" else settings.model.device,
        vram_gb=settings.model.vram_gb,
        spare_bytes=spare_memory_bytes(),
        gaussians=settings.splats.gaussians,
    )
    most = _most(there.frames, found.expected, settings.windows.size, there.has_poses)
    if there.has_poses and there.frames == 1 and found.expected != 1:
        raise ModelError(f"one picture fits into memory, and no second beside it: {there}; choose a smaller resolution")
    size = max(2, min(most, _begun_with(out) or most))
    overlap = min(DEFAULT_OVERLAP, max(1, size // 3)) if there.has_poses and (found.expected or size + 1) > size else 1
    tree = settings.model_dump(exclude_unset=True) | {"windows": {"size": size, "overlap": overlap}}
    return PredictionPlan(model, Settings.build(tree), found.expected, there.has_poses, str(there))


def _most(fitting: int | None, pictures: int | None, asked: int | None, together: bool) -> int:
    """Pictures of a window at most."""
    known = [count for count in (fitting, pictures, asked, None if together else ONE_BY_ONE) if count is not None]
    return min(known, default=DEFAULT_WINDOW)


def _begun_with(out: Path | None) -> int | None:
    """The size of the windows of an unfinished prediction in a directory: memory that is free by now does not count."""
    if out is None:
        return None
    try:
        return int(Run(out).read_status()["settings"]["windows"]["size"])
    except (StoreError, KeyError, TypeError, ValueError):
        return None
