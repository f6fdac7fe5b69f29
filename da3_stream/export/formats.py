"""The formats by name: what each is, its options, its usual file name, and where its writer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from . import options as o
from .reading import Reading

# (what the run holds, where to write, options) -> one line for people
Writer = Callable[[Reading, Path, Any], str]


@dataclass(frozen=True)
class Format:
    """One row of the table. `file` ends with "/" where the export is a folder, and may name `{encoding}`."""

    what: str
    options: type[o.FrameOptions]
    file: str
    home: str  # module:function below this package; imported when it is needed

    @property
    def is_folder(self) -> bool:
        """Whether it makes a folder of files."""
        return self.file.endswith("/")

    def file_name(self, options: o.FrameOptions) -> str:
        """The usual name of its file or folder, under these options."""
        return self.file.rstrip("/").format(encoding=getattr(options, "encoding", ""))

    def writer(self) -> Writer:
        """The function that writes it."""
        module, _, function = self.home.partition(":")
        return getattr(import_module(f".{module}", __package__), function)


FORMATS = {
    "tum": Format("trajectory, TUM RGB-D", o.TrajectoryOptions, "trajectory.tum", "trajectories:export_tum"),
    "kitti": Format("trajectory, KITTI odometry", o.TrajectoryOptions, "trajectory.kitti", "trajectories:export_kitti"),
    "colmap": Format("cameras, poses and points on tracks, COLMAP", o.ColmapOptions, "colmap/", "colmap:export_colmap"),
    "nerfstudio": Format("transforms.json", o.NerfstudioOptions, "nerfstudio/", "nerfstudio:export_nerfstudio"),
    "3dgs": Format("input of Gaussian splats", o.SplatOptions, "3dgs/", "splats:export_splats"),
}
