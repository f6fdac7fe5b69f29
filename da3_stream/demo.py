"""The demo: a drive round a synthetic town, reconstructed and compared with the truth, without any download."""

from __future__ import annotations

import shlex
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .calibration import read_calibration
from .evaluation import evaluate
from .pipeline import run
from .progress import Figures, open_bar
from .report import write_report
from .settings import CameraSettings, Settings
from .store import open_run
from .store.files import json_page, write_text
from .synthetic import make_town, write_town

_SIZE = (320, 240)


@dataclass(frozen=True)
class DemoResult:
    """The demo's run directory, and its comparison with the town's truth (the result of `evaluation.evaluate`)."""

    run: Path
    evaluation: dict[str, Any]

    def summary(self) -> str:
        """The error, and where the files are, in one line."""
        result, run = self.evaluation, self.run
        share = f"{result['ate_percent']:.2f} % of {result['path_length_m']:.0f} m"
        error = f"{result['ate_rmse_m']:.3f} m ({share})"
        return (
            f"error against the town's truth {error}; cloud {run / 'cloud.ply'}, trajectory {run / 'trajectory.tum'}; "
            f"look at {run / 'report.html'} in a browser, and at the cloud with: da3-stream view "
            f"{shlex.quote(str(run))}"
        )


def run_demo(out: Path, frames: int = 300, *, progress: bool = False) -> DemoResult:
    """Render the town into `out`/town, reconstruct it into `out`/run (an earlier demo is replaced), and evaluate.

    Raises SyntheticError for fewer frames than a drive needs, and whatever `pipeline.run` raises.
    """
    town = _render_town(out / "town", frames, progress)
    settings = Settings(camera=_town_camera(town))
    directory = run(town / "town.mp4", out / "run", settings, progress=progress, overwrite=True)
    plot = directory / "evaluation.png"
    result = evaluate(directory, town / "groundtruth.tum", format="tum", plot=plot)
    write_text(directory / "evaluation.json", json_page(result))
    write_report(open_run(directory))
    return DemoResult(directory, result)


def _town_camera(town: Path) -> CameraSettings:
    """The camera of a town that `write_town` wrote, its intrinsics known."""
    return CameraSettings.model_validate({"intrinsics": read_calibration(str(town / "intrinsics.txt"))})


def _render_town(folder: Path, frames: int, progress: bool) -> Path:
    """Write the town's video and truth; returns the folder."""

    def step(done: int, total: int) -> None:
        bar.show(Figures(done, total))

    with closing(open_bar("rendering the town", frames, progress)) as bar:
        return write_town(make_town("block", frames=frames, size=_SIZE), folder, progress=step)
