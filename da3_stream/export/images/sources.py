"""Which file of its input every frame of a run comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ExportError
from ...store import RunReader
from ..trajectory.frames_csv import read_sources, write_exported_frames
from .frame_images import open_input

FRAMES = "frames.csv"


@dataclass(frozen=True)
class FrameSources:
    """By the index of a frame in the input: the file (as it was given) or device that it comes from, and its number
    there from 0. `are_pictures` where every frame is a picture file of its own."""

    by_index: Mapping[int, tuple[str, int]]
    are_pictures: bool


def frame_sources(reader: RunReader) -> FrameSources:
    """The sources of all frames.

    From frames.csv of the run, which it has at its end; before, pictures from the input as it is now. Of another input
    that is still read, and of pictures that are gone, nothing is known but the input as a whole.
    """
    facts, indices = reader.status.get("input", {}), reader.poses.source_index.tolist()
    are_pictures = facts.get("kind") == "images"
    listed = read_sources(reader.path / FRAMES, reader.poses)
    if listed is not None:
        return FrameSources(dict(zip(indices, listed, strict=True)), are_pictures)
    if are_pictures and (files := _files_now(reader)):
        return FrameSources({index: (str(file), 0) for index, file in files.items()}, True)
    return FrameSources({index: (facts.get("name", ""), index) for index in indices}, False)


def list_frames(reader: RunReader, files: Mapping[int, str], folder: Path) -> None:
    """Write frames.csv of an export into its folder. `files` are those that show a frame each, as paths from this
    folder, by the frame's index in the input."""
    sources = frame_sources(reader).by_index
    write_exported_frames(reader.poses, sources.__getitem__, files, folder / FRAMES)


def _files_now(reader: RunReader) -> Mapping[int, Path]:
    """The picture files of all frames in the input; none where it cannot be read any more, or has become shorter."""
    try:
        files, indices = open_input(reader).image_files, reader.poses.source_index.tolist()
    except ExportError:
        return {}
    return {index: files[index] for index in indices} if not indices or indices[-1] < len(files) else {}
