"""The run directory: its files by name, its creation and its lock."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .append_log import AppendLog
from .files import json_line, json_page, read_json, write_text
from .scene import Scene, SceneFile, scene_from_json

_NUMBERED = re.compile(r"\d{6,}\.(npz|laz|levels)")
_TEMPORARY = re.compile(r"\..+\.tmp")
_FILES = (
    "journal.jsonl",
    "scene.json",
    "trajectory.tum",
    "trajectory.kitti",
    "camera_poses.txt",
    "intrinsics.txt",
    "frames.csv",
    "overview.png",
    "static_mask.png",
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
    "resume/input.json",
    "resume/windows.jsonl",
    "resume/tip.npz",
    "resume/sent.jsonl",
)
_LOCK = ".lock"
_TIMES = ("seconds_by_stage", "seconds_in_predictor")
_KINDS: dict[Any, tuple[str, ...]] = {  # of run.json's entries, where they are there
    str: ("state", "units"),
    int: ("frames",),
    int | float: ("scale", "seconds", "peak_rss_bytes"),
    list: ("advice", "source_indices", "timestamps", "nanoseconds"),
    dict: ("input", "settings", "model", "trust", "camera", "versions", "machine", *_TIMES),
    dict | None: ("static_mask",),
}
JUST_CREATED = {"state": "running"}  # run.json before a run has begun
LAYOUT = 1  # of run directories: raised when a file or a key changes or goes, not by new ones; in run.json
_FOLDERS = ("windows", "cloud", "places", "resume")


@dataclass(frozen=True)
class Run:
    """An existing run directory."""

    path: Path

    def submap_path(self, submap: int) -> Path:
        """Where a submap is stored."""
        return self.path / "windows" / f"{submap:06d}.npz"

    def page_path(self, submap: int) -> Path:
        """Where a submap's points are stored."""
        return self.path / "cloud" / f"{submap:06d}.laz"

    def levels_path(self, submap: int) -> Path:
        """Where the levels of detail of a submap's points are stored; absent in runs of before they were there."""
        return self.path / "cloud" / f"{submap:06d}.levels"

    def splats_path(self, submap: int) -> Path:
        """Where a submap's Gaussian splats are stored, in a run that keeps them."""
        return self.path / "splats" / f"{submap:06d}.npz"

    @property
    def journal(self) -> AppendLog:
        """The journal: what happened, for people and programs."""
        return AppendLog(self.path / "journal.jsonl")

    @property
    def increments(self) -> AppendLog:
        """What every finished window adds for good, a line each, beside the checkpoint (see session/checkpoint.py)."""
        return AppendLog(self.path / "resume" / "windows.jsonl")

    @property
    def sent(self) -> AppendLog:
        """What was sent elsewhere of a finished run, a line for each file (see `remote_files`)."""
        return AppendLog(self.path / "resume" / "sent.jsonl")

    @property
    def latest_path(self) -> Path:
        """The checkpoint of the last window that was finished: all that the next one needs of it."""
        return self.path / "resume" / "tip.npz"

    def write_input_paths(self, paths: Sequence[str]) -> None:
        """Keep what opens the input again, once: it may be a list of all its files."""
        write_text(self._input_paths, json_page({"paths": paths}))

    def read_input_paths(self) -> list[str]:
        """What opens the input again, [] where nobody can. Raises StoreError if it is damaged."""
        return read_json(self._input_paths).get("paths", []) if self._input_paths.exists() else []

    @property
    def _input_paths(self) -> Path:
        return self.path / "resume" / "input.json"

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace run.json in one step; numpy values and dataclasses are written plainly, NaN as null."""
        write_text(self.path / "run.json", json_page(status))

    def read_status(self) -> dict[str, Any]:
        """What run.json says. Raises StoreError if it is absent or damaged, or tells of a layout that is not known."""
        status = read_json(self.path / "run.json")
        layout = status.get("layout", LAYOUT)  # absent from the first runs, and from one that was just created
        if type(layout) is not int or layout != LAYOUT:
            raise StoreError(
                f"the run in {self.path} has layout {json_line(layout)}, and this version of the program knows "
                f"layout {LAYOUT} only: use the version that wrote it"
            )
        for kind, names in _KINDS.items():
            for name in names:
                if name in status and not isinstance(status[name], kind):
                    found = type(status[name]).__name__
                    raise StoreError(f"{self.path / 'run.json'} is damaged: {name!r} is a JSON value of kind {found}")
        return status

    def append_event(self, kind: str, **fields: Any) -> None:
        """Add one line to journal.jsonl and flush it: "event" first, "time" (UTC) last and outside its checksum."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.journal.append({"event": kind, **fields}, {"time": now})

    def read_events(self) -> Iterator[dict[str, Any]]:
        """The journal's events in order; a last line that a kill left unfinished is not one."""
        yield from self.journal.read()

    def write_scene(self, scene: Scene) -> None:
        """Replace scene.json in one step."""
        SceneFile(self.path / "scene.json").write(scene)

    def read_scene(self) -> Scene:
        """Where the submaps lie now. Raises StoreError if scene.json is absent or damaged."""
        return scene_from_json(read_json(self.path / "scene.json"))

    def scene_crc32(self) -> str:
        """Which state of the map scene.json holds, as eight hexadecimal digits: what was made of it can tell."""
        path = self.path / "scene.json"
        try:
            return f"{zlib.crc32(path.read_bytes()):08x}"
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def prepare_folder(path: Path, *, overwrite: bool = False) -> None:
    """Make a directory with its parents, or find it free for a run. Raises StoreError as `create_run` does."""
    make_folder(path)
    _require_free(path, overwrite)


def create_run(path: Path, *, overwrite: bool = False) -> Run:
    """Make an empty run directory, with its parents, in state "running".

    Raises StoreError if `path` is a file, cannot be written, holds a run already (unless `overwrite`, which removes
    the files that a run writes and nothing else) or holds anything else.
    """
    run = Run(Path(path))
    prepare_folder(run.path, overwrite=overwrite)
    run.write_status(JUST_CREATED)  # before anything goes: a clearing that is cut short can be repeated
    _clear(run.path)
    for name in _FOLDERS:
        make_folder(run.path / name)
    run.write_scene(Scene())
    return run


def open_run(path: Path) -> Run:
    """An existing run directory, finished or not. Raises StoreError if it is none, or as `Run.read_status` does."""
    run = Run(Path(path))
    if not (run.path / "run.json").is_file():
        raise StoreError(f"{path} is not a run directory: it holds no run.json")
    run.read_status()
    return run


def whole_files(run: Run) -> list[Path]:
    """The files of a run directory and its exports, run.json last: none that is being written, and no lock."""
    found = [path for path in sorted(run.path.rglob("*")) if path.is_file() and not _is_passing(path, run)]
    return [*(path for path in found if path != run.path / "run.json"), run.path / "run.json"]


def _is_passing(path: Path, run: Run) -> bool:
    parts = path.relative_to(run.path).parts
    own = parts[-1] == _LOCK or path == run.sent.path
    return own or any(part.startswith(".") and ".tmp" in part for part in parts)  # also .scene.tmp.glb of exports


@contextmanager
def lock_run(run: Run) -> Iterator[None]:
    """Nobody else works in the run directory meanwhile. Raises StoreError if somebody does.

    The system lets go of the lock when its process ends, however it ends.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(run.path / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"another process is writing into {run.path}: wait for it, or give another directory"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot lock {run.path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def drop_after(run: Run, submaps: int) -> None:
    """Remove the stored geometry, points and splats of all submaps from this number on."""
    try:
        for folder in (run.path / "windows", run.path / "cloud", run.path / "splats"):
            for file in folder.iterdir() if folder.is_dir() else ():
                number = file.name.partition(".")[0]
                if _TEMPORARY.fullmatch(file.name) or (_NUMBERED.fullmatch(file.name) and int(number) >= submaps):
                    file.unlink()
    except OSError as error:
        raise StoreError(f"cannot clear {run.path}: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a directory with its parents, if it is not there. Raises StoreError where that is impossible."""
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
    if "run.json" not in names and any(not _TEMPORARY.fullmatch(name) and name != _LOCK for name in names):
        raise StoreError(f"{path} is not empty and is not a run: give a new or an empty directory")


def _clear(path: Path) -> None:
    try:
        for folder in (path / "windows", path / "cloud", path / "splats", path / "tiles"):
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
