"""What a run will take of the disk, estimated before it starts."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreError
from ..frames.image_size import fit_size
from ..machine import size_text
from ..settings import Settings
from ..splats import bytes_each
from ..windows import windows
from .job import Job

# Bytes on the disk at the worst moment of a run, its merge of the cloud (benchmarks/scaling/disk.py): for a pixel of a
# frame (depth, confidence, image), for a point (on its page, with levels of detail, while the cloud is sorted, in the
# cloud), for a frame (its poses). Where the settings leave the density open, pages held up to 0.14 points for a pixel.
PER_PIXEL, PER_POINT, PER_FRAME = 3, 72, 20_000
OPEN_DENSITY = 0.15
AT_ONCE = 40_000_000  # preview, pictures, and what is left to the system

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DiskEstimate:
    """Frames and windows (None where the input does not tell), and bytes of a whole run."""

    frames: int | None
    windows: int | None
    bytes: int

    def text(self, free: int) -> str:
        """For people; `free` bytes are there."""
        if self.frames is None:
            what, bytes_of = "frames of unknown number", "a window "
        else:
            what, bytes_of = f"{self.frames} frames in {self.windows} window{'s' * (self.windows != 1)}", ""
        return f"{what}, at most {size_text(self.bytes)} of disk {bytes_of}({size_text(free)} free)"


def estimate_disk(job: Job, done: int = 0) -> DiskEstimate:
    """What a run takes of which so many frames are done; where the number of frames is unknown, one window's bytes."""
    total, size = job.source.expected, job.window_size
    if total is None:
        return DiskEstimate(None, None, _bytes_of(job, size))
    count = sum(1 for _ in windows(range(total), size, job.window_overlap))
    return DiskEstimate(total, count, _bytes_of(job, max(total - done, 0)))


def require_disk(out: Path, job: Job, done: int = 0) -> None:
    """Raises StoreError with one sentence if the disk of an existing directory cannot hold the next window of a run,
    and warns where it may be too small for the rest of it.

    What a run that is replaced holds counts as free.
    """
    whole = estimate_disk(job, done)
    left = job.window_size if whole.frames is None else min(max(whole.frames - done, 0), job.window_size)
    a_window = _bytes_of(job, left) + AT_ONCE
    free = shutil.disk_usage(out).free + (0 if done else _bytes_in(out))
    if free < a_window:
        raise StoreError(
            f"the disk of {out} is short: the first window may take {size_text(a_window)}, and {size_text(free)} are "
            "free; make room, or give another directory"
        )
    if free < whole.bytes + AT_ONCE:
        log.warning(
            "the disk of %s may become short: this run may take %s, and %s are free; make room, or use fewer frames "
            "(--max-frames, --fps)",
            out,
            size_text(whole.bytes + AT_ONCE),
            size_text(free),
        )


def bytes_of_frames(frames: int, size: tuple[int, int], settings: Settings) -> int:
    """What so many frames of a run take at its worst moment, whose pictures have a (width, height)."""
    (width, height), cloud, splats = size, settings.cloud, settings.splats
    density = OPEN_DENSITY if cloud.per_pixel is None or cloud.voxel_m is not None else cloud.per_pixel
    kept = bytes_each(splats.degree) if splats.gaussians else 0
    return frames * (round((PER_PIXEL + PER_POINT * density + kept) * width * height) + PER_FRAME)


def _bytes_of(job: Job, frames: int) -> int:
    return bytes_of_frames(frames, fit_size(job.source.size, job.source.image_side), job.settings)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
