"""The demo: a drive round a synthetic town, reconstructed and compared with the truth, without any download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .camera_input import read_intrinsics
from .evaluation import evaluate
from .pipeline import run
from .session.progress import progress_bar
from .settings import CameraSettings, Settings
from .synthetic import make_town, write_town

SIZE = (320, 240)


@dataclass(frozen=True)
class Demo:
    """Where the demo's run lies, and how it compares with the town's truth (see `evaluation.evaluate`)."""

    run: Path
    evaluation: dict[str, Any]

    def line(self) -> str:
        """What came out, and how to look at it, in one line."""
        e, run = self.evaluation, self.run
        error = f"{e['ate_rmse_m']:.3f} m ({e['ate_percent']:.2f} % of {e['path_length_m']:.0f} m)"
        return (
            f"error against the town's truth {error}; cloud {run / 'cloud.ply'}, trajectory {run / 'trajectory.tum'}; "
            f"look at {run / 'report.html'} in a browser, and at the cloud in MeshLab, CloudCompare or Blender"
        )


def demo(out: Path, frames: int = 300, settings: Settings | None = None, *, progress: bool = False) -> Demo:
    """Render the town into `out`/town, reconstruct it into `out`/run (an earlier demo is replaced), and evaluate.

    Raises SyntheticError for fewer frames than a drive needs, and whatever a run raises.
    """
    town = render(out / "town", frames, progress)
    settings = (settings or Settings()).model_copy(update={"camera": known_camera(town)})
    directory = run(town / "town.mp4", out / "run", settings, progress=progress, overwrite=True)
    plot = directory / "evaluation.png"
    return Demo(directory, evaluate(directory, town / "groundtruth.tum", format="tum", plot=plot))


def known_camera(town: Path) -> CameraSettings:
    """The town's intrinsics."""
    return CameraSettings(intrinsics=read_intrinsics(str(town / "intrinsics.txt")))


def render(folder: Path, frames: int, progress: bool) -> Path:
    """The town's video and truth."""

    def step(done: int, total: int) -> None:
        bar.update(done - bar.n)

    with progress_bar(frames, "rendering the town", progress) as bar:
        return write_town(make_town("block", frames=frames, size=SIZE), folder, progress=step)
