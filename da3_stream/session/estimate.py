"""What a run will take, told before it starts: frames, windows, disk; and after the first windows, how long."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import StoreError
from ..frames.sources.resizing import resized_to_fit
from ..windows import windows
from .job import Job
from .progress import say

# Bytes on the disk at the worst moment of a run, when its cloud is merged (benchmarks/disk.py): for a pixel of a frame
# (depth, confidence, picture), for a point (on its page, while the cloud is sorted, in the cloud), for a frame (places,
# poses). Where the settings leave the density open, pages held up to 0.14 points for a pixel.
PER_PIXEL, PER_POINT, PER_FRAME = 3, 60, 20_000
OPEN_DENSITY = 0.15
AT_ONCE = 40_000_000  # preview, pictures, and what is left to the system
KNOWN_AFTER = 3  # windows after which the time can be told


@dataclass(frozen=True)
class DiskEstimate:
    """Frames and windows (None where the input does not tell), and bytes of a whole run."""

    frames: int | None
    windows: int | None
    bytes: int

    def text(self, free: int) -> str:
        """For people; `free` bytes are there."""
        if self.frames is None:
            return f"frames of unknown number, at most {_size(self.bytes)} of disk a window ({_size(free)} free)"
        return (
            f"{self.frames} frames in {self.windows} windows, at most {_size(self.bytes)} of disk ({_size(free)} free)"
        )


def estimate_disk(job: Job, done: int = 0) -> DiskEstimate:
    """What a run takes of which so many frames are done; where the number of frames is unknown, one window's bytes."""
    width, height = resized_to_fit(job.source.size, job.source.image_side)
    cloud = job.settings.cloud
    density = OPEN_DENSITY if cloud.per_pixel is None or cloud.voxel_m is not None else cloud.per_pixel
    a_frame = round((PER_PIXEL + PER_POINT * density) * width * height) + PER_FRAME
    total, size = job.source.expected, job.window_size
    if total is None:
        return DiskEstimate(None, None, a_frame * size)
    count = sum(1 for _ in windows(range(total), size, job.window_overlap))
    return DiskEstimate(total, count, a_frame * max(total - done, 0))


def require_disk(out: Path, job: Job, done: int = 0) -> None:
    """Raises StoreError with one sentence if the disk of an existing directory is too small for the rest of a run.

    What a run that is replaced holds counts as free.
    """
    needed = estimate_disk(job, done).bytes + AT_ONCE
    free = shutil.disk_usage(out).free + (0 if done else _held(out))
    if free < needed:
        raise StoreError(
            f"the disk of {out} is short: this run may take {_size(needed)}, and {_size(free)} are free; make room, "
            "give another directory, or use fewer frames (--max-frames, --fps)"
        )


def announce(out: Path, job: Job, done: int, shown: bool) -> None:
    """Say what a run into an existing directory will take."""
    say(f"to do: {estimate_disk(job, done).text(shutil.disk_usage(out).free)}", shown)


@dataclass
class TimeEstimate:
    """Tells once how long the rest will take, when enough windows are done; a run may begin with `done` frames."""

    expected: int | None
    shown: bool
    done: int = 0
    _windows: int = 0
    _start: float = field(default_factory=time.monotonic)

    def tell(self, frames: int) -> None:
        """A window is finished, and with it so many frames of the whole run."""
        self._windows += 1
        if self._windows == KNOWN_AFTER:
            say(pace_text(frames - self.done, time.monotonic() - self._start, self._left(frames)), self.shown)

    def _left(self, frames: int) -> int | None:
        return None if self.expected is None else max(self.expected - frames, 0)


def pace_text(frames: int, seconds: float, left: int | None) -> str:
    """How fast it goes, and how long it will go on."""
    rate = frames / max(seconds, 1e-6)
    if left is None:
        return f"{rate:.3g} frames a second"
    return f"{rate:.3g} frames a second: about {_duration(left / rate)} left, and the time for the outputs"


def _held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
