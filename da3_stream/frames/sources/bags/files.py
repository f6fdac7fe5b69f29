"""Frames of the camera that a bag recorded: each of the bag's files is a recording, and they follow one another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from ....errors import FramesError
from ....settings import FramesSettings
from ....types import Float64
from ..chain import LeftOutFile, Link
from ..recording import Candidate, Recording
from ..source import FrameSource
from .camera import BagCamera, find_camera
from .candidates import BagFrames
from .layout import BagFile
from .survey import Survey, survey

SEAM_NS = 2 * 10**9  # between two files of one recording, messages of all topics considered


def open_bags(name: str, bags: Sequence[Path], settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of the camera of one bag, or of several that were recorded one after the other, with the times of
    their headers. Raises FramesError with one sentence if there are none."""
    found = survey(name, bags)
    camera = find_camera(name, found, settings)
    left_out = [LeftOutFile(str(file), reason) for file, reason in found.unread]
    source = FrameSource.of(_links(found, camera), settings, image_side, name, left_out)
    source.advice = camera.advice
    return source


def _links(found: Survey, camera: BagCamera) -> list[Link]:
    """The files with the camera's pictures; one that begins long after the one before has ended begins a shot.

    Raises FramesError where one begins long before the one before ends.
    """
    files, topic = found.files(camera.topic), camera.topic
    recordings = [_recording(file, camera, found) for file in files]
    offset_s = None if camera.clock.kind == "rate" else 0.0
    links = [Link(recordings[0], begins_shot=False, offset_s=offset_s)]
    for before, file, recording in zip(files, files[1:], recordings[1:], strict=False):
        (begun, ended), (begins, ends) = found.spans_ns[before], found.spans_ns[file]
        if begins - ended < -min(SEAM_NS, (ended - begun) // 2, (ends - begins) // 2):
            raise FramesError(
                f"'{before.path}' and '{file.path}' both hold {topic.name} of the same time: give one of them"
            )
        links.append(Link(recording, begins_shot=begins - ended > SEAM_NS, offset_s=offset_s))
    return links


def _recording(file: BagFile, camera: BagCamera, found: Survey) -> Recording:
    count = found.counts[camera.topic.name, camera.topic.type][file]
    frames = BagFrames(file, camera, count)
    levels, times_ns, has_times = camera.levels, list[int](), camera.clock.kind != "rate"
    return Recording(
        str(file.path),
        "bag",
        lambda start: _remembered(frames.candidates(), times_ns),
        count,
        camera.clock.rate,
        has_times,
        times=_expected_times(found.spans_ns[file][0], count, camera) if has_times else (),
        nanoseconds=times_ns if has_times else (),
        calibration=camera.calibration,
        levels=lambda: None if levels is None else (levels.low, levels.high),
        seekable=frames.seekable,
    )


def _expected_times(begins_ns: int, count: int, camera: BagCamera) -> Float64:
    """Seconds [count] of the pictures in a file that begins at this time of the bag's clock, if they come evenly."""
    return (begins_ns + camera.ahead_ns) / 1e9 + np.arange(count) / camera.clock.rate


def _remembered(candidates: Generator[tuple[int, Candidate]], times_ns: list[int]) -> Generator[Candidate]:
    """The candidates without their exact times, which are kept by their index: a bag tells them as it is read."""
    with closing(candidates):
        for time_ns, candidate in candidates:
            if candidate.index == len(times_ns):
                times_ns.append(time_ns)
            yield candidate
