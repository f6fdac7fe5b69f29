"""The run directory: its creation, its status, its journal and its scene."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .files import json_line, json_page, read_json, write_text
from .scene import Scene, scene_from_json, scene_to_json

_NUMBERED = re.compile(r"\d{6,}\.(npz|laz)")
_TEMPORARY = re.compile(r"\..+\.tmp")
_FILES = (
    "journal.jsonl",
    "scene.json",
    "trajectory.tum",
    "trajectory.kitti",
    "camera_poses.txt",
    "intrinsics.txt",
    "overview.png",
    "report.html",
    "log.txt",
    "cloud.ply",
    "cloud.laz",
    "cloud/samples.bin",
    "tiles/tiles.json",
    "evaluation.json",
    "evaluation.png",
    "places/descriptors.bin",
    "places/vocabulary.npz",
)


@dataclass(frozen=True)
class Run:
    """An existing run directory."""

    path: Path

    def window_path(self, node: int) -> Path:
        """Where a node's geometry is stored."""
        return self.path / "windows" / f"{node:06d}.npz"

    def page_path(self, node: int) -> Path:
        """Where a node's points are stored."""
        return self.path / "cloud" / f"{node:06d}.laz"

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace run.json in one step; numpy values and dataclasses are written plainly, NaN as null."""
        write_text(self.path / "run.json", json_page(status))

    def read_status(self) -> dict[str, Any]:
        """What run.json says. Raises StoreError if it is absent or damaged."""
        return read_json(self.path / "run.json")

    def append_event(self, kind: str, **fields: Any) -> None:
        """Add one line to journal.jsonl and flush it: "event" first, "time" (UTC) last."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json_line({"event": kind, **fields, "time": now}) + "\n"
        try:
            with open(self.path / "journal.jsonl", "ab") as file:
                file.write(line.encode())
        except OSError as error:
            raise StoreError(f"cannot write {self.path / 'journal.jsonl'}: {error.strerror or error}") from error

    def read_events(self) -> Iterator[dict[str, Any]]:
        """The journal's events in order; a last line that a kill left unfinished is not one."""
        path = self.path / "journal.jsonl"
        if not path.exists():
            return
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _event(line, f"{path}, line {number},")

    def write_scene(self, scene: Scene) -> None:
        """Replace scene.json in one step."""
        write_text(self.path / "scene.json", json_page(scene_to_json(scene)))

    def read_scene(self) -> Scene:
        """Where the nodes lie now. Raises StoreError if scene.json is absent or damaged."""
        return scene_from_json(read_json(self.path / "scene.json"))


def create_run(path: Path, *, overwrite: bool = False) -> Run:
    """Make an empty run directory, with its parents, in state "running".

    Raises StoreError if `path` is a file, cannot be written, holds a run already (unless `overwrite`, which removes
    the files that a run writes and nothing else) or holds anything else.
    """
    run = Run(Path(path))
    _make_folder(run.path)
    _require_free(run.path, overwrite)
    run.write_status({"state": "running"})  # before anything goes: a clearing that is cut short can be repeated
    _clear(run.path)
    _make_folder(run.path / "windows")
    _make_folder(run.path / "cloud")
    _make_folder(run.path / "places")
    run.write_scene(Scene())
    return run


def open_run(path: Path) -> Run:
    """An existing run directory, finished or not. Raises StoreError if it is none or its run.json is damaged."""
    run = Run(Path(path))
    if not (run.path / "run.json").is_file():
        raise StoreError(f"{path} is not a run directory: it holds no run.json")
    run.read_status()
    return run


def _make_folder(path: Path) -> None:
    try:
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file: give a directory for the run")
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create the directory {path}: {error.strerror or error}") from error


def _require_free(path: Path, overwrite: bool) -> None:
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError as error:
        raise StoreError(f"cannot read the directory {path}: {error.strerror or error}") from error
    if "run.json" in names and not overwrite:
        raise StoreError(f"{path} already holds a run: give another directory, or --overwrite to replace it")
    if "run.json" not in names and any(not _TEMPORARY.fullmatch(name) for name in names):
        raise StoreError(f"{path} is not empty and is not a run: give a new or an empty directory")


def _clear(path: Path) -> None:
    try:
        for folder in (path / "windows", path / "cloud", path / "tiles"):
            _clear_folder(folder)
        for file in [path / name for name in _FILES]:
            file.unlink(missing_ok=True)
            file.with_name(f".{file.name}.tmp").unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot clear {path}: {error.strerror or error}") from error


def _clear_folder(folder: Path) -> None:
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if _NUMBERED.fullmatch(file.name) or _TEMPORARY.fullmatch(file.name):
            file.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _event(line: bytes, where: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise StoreError(f"{where} is damaged: expected one JSON object")
    return event
