"""The merged cloud of an existing run once more: in another format, coarser, or with other points left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import SettingsError
from ..settings import Settings
from ..store import open_run, read_run_geometry
from .merge import merge_cloud
from .output import NAMES


def export_cloud(run_dir: Path, changes: Mapping[str, object]) -> tuple[Path, int]:
    """Write the cloud of a run, finished or going, with its own settings but for `changes` to the cloud's (those that
    are None stay); returns where it is and how many points it holds.

    The pages are as dense as the run made them: a smaller voxel brings nothing back. Raises SettingsError for what
    cannot be, StoreError if the run is damaged.
    """
    run = open_run(run_dir)
    kept = run.read_status().get("settings", {}).get("cloud", {})
    asked = {key: value for key, value in changes.items() if value is not None}
    settings = Settings.build({"cloud": {**kept, **asked}}).cloud
    geometry = read_run_geometry(run)
    if asked.get("voxel_m") is not None and geometry.scene.units != "metres":
        raise SettingsError("voxel_m needs a run in metres, and this one is relative: give cloud.voxel instead")
    return run.path / NAMES[settings.format], merge_cloud(run, geometry, settings)
