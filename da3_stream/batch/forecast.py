"""What a run will take of memory and disk, told before it starts by what its input and settings are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import FramesError
from ..remote_files import is_remote
from ..settings import Settings
from .elsewhere import remote_bytes

MIB = 1 << 20
# Bytes of an `sfm` run with all its processes: the interpreter and its libraries, a frame of a window, a pixel of it;
# for each worker, itself and a pixel of the window that it works on. A tenth to a half above what runs were measured
# to take (benchmarks/results/old_and_new.md with one worker; speed.md tells what a second one adds).
MAIN, FRAME, PIXEL = 330 * MIB, 3.3 * MIB, 45
WORKER, WORKER_PIXEL = 150 * MIB, 10
NETWORK_MAIN = 1500 * MIB  # torch and CUDA beside a network
WEIGHTS_COPIES = 2  # while a checkpoint is read
UNKNOWN_SIZE = (1920, 1080)  # of what is not read before the run, such as an address
NETWORK_WINDOW = 60


@dataclass(frozen=True)
class Forecast:
    """Frames (None: unknown), bytes of disk at the worst moment, bytes of memory without and for each worker, and the
    device that a network takes for itself alone."""

    frames: int | None
    disk_bytes: int
    fixed_bytes: int
    worker_bytes: int
    device: str | None = None

    def memory(self, workers: int) -> int:
        """Bytes with so many workers."""
        return self.fixed_bytes + workers * self.worker_bytes

    def at_least(self, peak: int, workers: int) -> Forecast:
        """Corrected by what a run with so many workers was seen to take."""
        return replace(self, fixed_bytes=self.fixed_bytes + max(0, peak - self.memory(workers)))

    def as_json(self) -> dict[str, Any]:
        """As a prober sends it."""
        return asdict(self)


def read_forecast(inputs: Sequence[str], tree: dict[str, Any]) -> Forecast:
    """The forecast for a run, from its inputs, whose first frame is decoded, and its settings as JSON has them.

    Raises Da3StreamError as the run would.
    """
    from ..predictors.model_choice import choose_model

    settings = Settings.build(tree)
    model = choose_model(settings.model)
    side = settings.model.resolution or model.image_side
    frames, size = _look(inputs, settings, side)
    copies = sum(remote_bytes(name) for name in inputs if is_remote(name))
    whole = forecast(frames, size, settings, model.folder)
    return replace(whole, disk_bytes=whole.disk_bytes + copies)


def _look(inputs: Sequence[str], settings: Settings, side: int) -> tuple[int | None, tuple[int, int]]:
    """How many frames there are, and the (width, height) that a run makes of them."""
    from ..frames import open_source
    from ..frames.image_size import fit_size

    if any("://" in name for name in inputs):
        return settings.frames.max_frames, fit_size(UNKNOWN_SIZE, side)
    source = open_source(inputs[0] if len(inputs) == 1 else list(inputs), settings.frames, side, settings.camera)
    if source.feed is not None:
        raise FramesError(f"'{inputs[0]}' is live input, which one run alone can read: give files")
    return source.expected, fit_size(source.size, side)


def forecast(frames: int | None, size: tuple[int, int], settings: Settings, checkpoint: Path | None) -> Forecast:
    """The forecast for so many frames (None: unknown) of a (width, height); `checkpoint` is the folder of a network's
    weights, None for sfm."""
    from ..predictors.sfm import SfmPredictor
    from ..session.estimate import AT_ONCE, bytes_of_frames

    usual = SfmPredictor.window_size if checkpoint is None else NETWORK_WINDOW
    window = min(settings.windows.size or usual, frames or usual)
    disk = bytes_of_frames(frames or window, size, settings) + AT_ONCE
    of_window = round(window * (FRAME + PIXEL * size[0] * size[1]))
    if checkpoint is None:
        worker = WORKER + WORKER_PIXEL * window * size[0] * size[1]
        return Forecast(frames, disk, MAIN + of_window, worker)
    weights = sum(file.stat().st_size for file in checkpoint.iterdir() if file.is_file())
    return Forecast(frames, disk, NETWORK_MAIN + WEIGHTS_COPIES * weights + of_window, 0, settings.model.device)
