"""The one way to export: checks the format, its options and the target, then calls the format's writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from ..errors import ExportError
from ..machine import installed_versions
from ..progress import Listener, ignore
from ..remote_files import copies_for_a_while
from ..store import RunReader
from .axes import file_axes
from .estimate import estimate_export, require_disk
from .formats import FORMATS, Format
from .frame_log import FrameLog
from .frame_views import has_depth_alone, selected_rows
from .options import AxesOptions, FrameOptions
from .output_path import FOLDER, output_path, require_apart, side_file
from .placed import BESIDE, RECORD, placed_reader, write_record
from .progress import Counted, Progress, progress_of

WORTH_TELLING = 1_000_000  # bytes


class ExportResult(NamedTuple):
    """Where an export is, and a line for people on what it holds."""

    path: Path
    summary: str


def export_run(
    run_dir: Path,
    format: str,
    path: Path | None = None,
    options: FrameOptions | Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
    progress: bool | Counted = False,
    listener: Listener = ignore,
) -> ExportResult:
    """Write a run, finished or going, in one of `FORMATS`.

    The default `path` is in the folder `export` of the run directory. `options` are of the format's class, or its
    fields by name. Raises ExportError with one sentence for an unknown format, options that it does not have, a target
    that exists (unless `overwrite`) and one that is or holds the run or its input. What exists is replaced when the new
    export is complete; a folder that no export wrote is never replaced.

    `progress` shows a bar on stderr, or is called with the frames that are done and those of all; the `listener`
    hears it as events. A folder of files a
    frame that was interrupted goes on where it stopped, if it is of the same run, format and options. Raises
    ExportError before it starts where the disk is too small.
    """
    row = find_format(format)
    checked = _checked_options(format, row, options)
    reader = RunReader.open(Path(run_dir))
    _require_poses(row, reader)
    target = Path(path) if path is not None else reader.path / FOLDER / row.file_name(checked)
    for place in (target, *(side_file(target, suffix) for suffix in row.beside)):
        require_apart(place, reader.path, reader.input_paths)
    job, watcher = _job(reader, format, checked), progress_of(progress, listener)
    new_path = output_path(target, folder=row.is_folder, overwrite=overwrite, beside=row.beside, job=job)
    with copies_for_a_while(reader.path), new_path as new:
        _say_what_it_takes(reader, checked, new, watcher)
        summary = _write(row, reader, new, checked, watcher)
    return ExportResult(target, summary + (_segments_text(reader, checked) if checked.joins_segments else ""))


def _segments_text(reader: RunReader, options: FrameOptions) -> str:
    """How many segments a file puts into one world, where these are several."""
    segments = {int(number) for number in reader.poses.segment[selected_rows(reader, options)] if number >= 0}
    return f"; {len(segments)} segments, which nothing ties to each other" if len(segments) > 1 else ""


def _write(row: Format, reader: RunReader, path: Path, options: FrameOptions, progress: Progress) -> str:
    """The summary of what the format's writer wrote. Of a format with cameras, the run is moved into the axes of the
    file before, and the record of its frame of reference is put into a folder, or beside a file that has no place."""
    if options.camera_axes is None:
        return row.write(reader, path, options, progress)
    wanted = options.axes if isinstance(options, AxesOptions) else None
    axes = file_axes(reader, wanted, relative=options.camera_axes, located=options.camera_axes)
    summary = row.write(placed_reader(reader, axes), path, options, progress)
    if row.is_folder:
        write_record(path / RECORD, axes)
    elif BESIDE in row.beside:
        write_record(side_file(path, BESIDE), axes)
    return summary


def _job(reader: RunReader, format: str, options: FrameOptions) -> str:
    """The same for exports of which one can go on with what another has written."""
    parts = [format, options.model_dump_json(), str(installed_versions()["da3_stream"])]
    files = [(reader.path / name).read_bytes() for name in ("run.json", "scene.json")]
    return sha256(b"\n".join([*(part.encode() for part in parts), *files])).hexdigest()


def _say_what_it_takes(reader: RunReader, options: FrameOptions, new: Path, progress: Progress) -> None:
    """Raises ExportError where the disk is too small for it."""
    there = [path for path in new.rglob("*") if path.is_file()] if new.is_dir() else []
    estimate = estimate_export(reader, options, new.parent)
    free = require_disk(estimate, new.parent, sum(path.stat().st_size for path in there))
    done = len(FrameLog(new))
    if estimate.bytes >= WORTH_TELLING:
        progress.say(estimate.text(free) + (f"; {done} are there already" if done else ""))


def read_options(named: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Options of the command line by name: those that are not None, and texts OPTION=VALUE with YAML values."""
    options = {name: value for name, value in named.items() if value is not None}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ExportError(f"'{text}' is no option: expected OPTION=VALUE")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ExportError(f"'{value}' is no value for {name}: expected one as YAML has them") from None
    return options


def find_format(name: str) -> Format:
    """A row of the table. Raises ExportError, with the names of all, for an unknown name."""
    if name not in FORMATS:
        raise ExportError(f"there is no export format '{name}': choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _require_poses(row: Format, reader: RunReader) -> None:
    """Raises ExportError for a format that needs poses, of a run that can have none."""
    if row.needs_poses and has_depth_alone(reader):
        model = reader.status.get("model", {}).get("name", "its model")
        others = ", ".join(name for name, other in FORMATS.items() if not other.needs_poses)
        raise ExportError(
            f"{reader.path} holds depth alone: {model} looks at single pictures and gives no poses, so that there is "
            f"no cloud, mesh or path; {others} can be had"
        )


def _checked_options(name: str, row: Format, options: FrameOptions | Mapping[str, Any] | None) -> FrameOptions:
    if isinstance(options, FrameOptions):
        if type(options) is not row.options:
            raise ExportError(f"{name} takes {row.options.__name__}, not {type(options).__name__}")
        return options
    given = dict(options or {})
    unknown = [key for key in given if key not in row.options.model_fields]
    if unknown:
        known = ", ".join(row.options.model_fields)
        raise ExportError(f"{name} has no option '{unknown[0]}': it has {known}")
    try:
        return row.options.model_validate(given, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise ExportError(f"option {where} of {name}: {reason}" if where else reason) from None
