"""The options of `run` and `export` that only pass a value on: one row each, and nothing more to be written elsewhere.

A new option of `run` takes a field in its class of `settings/stages.py` and a row in RUN; one of `export` a field in
`export/options.py` and, if --set is not enough for it, a row in EXPORT.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Literal

import typer


@dataclass(frozen=True)
class Option:
    """An option of the command line, and the setting (`stage.key`) or the export's option that its value is for."""

    name: str
    target: str
    type: Any
    help: str
    metavar: str | None = None
    before: str = ""  # the parameter of the command that the help tells next, if not the table's
    read: Callable[[Any], Any] | None = None  # makes the value from the text, or texts

    def parameter(self) -> inspect.Parameter:
        """As typer reads it from a function; None where the option is not given."""
        info = typer.Option(f"--{self.name.replace('_', '-')}", metavar=self.metavar, help=self.help)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Parameter(self.name, kind, default=None, annotation=Annotated[self.type | None, info])

    def value(self, given: Any) -> Any:
        """What the target gets."""
        return given if given is None or self.read is None else self.read(given)


def _calibration(text: str) -> Any:
    from .calibration import read_calibration

    return read_calibration(text)


def _masks(words: Sequence[str]) -> list[str] | None:
    """With absolute paths, so that a run can be gone on with from anywhere."""
    return [word if word in ("auto", "off") else os.path.abspath(os.path.expanduser(word)) for word in words] or None


def _absolute(text: str) -> str:
    """The path of a file, so that exports find it from any folder; `off` as it is."""
    return text if text == "off" else os.path.abspath(os.path.expanduser(text))


RUN = (
    Option(
        "model",
        "model.name",
        str,
        "auto, sfm, a name of 'weights list', or a folder with a checkpoint.",
        before="config",
    ),
    Option(
        "quality",
        "model.quality",
        Literal["fast", "balanced", "best"],
        "Accuracy against time; default balanced.",
        before="config",
    ),
    Option(
        "intrinsics",
        "camera.intrinsics",
        str,
        "fx,fy,cx,cy[,k1,k2,p1,p2[,k3]][@WxH] in pixels, first pixel centre at 0; "
        "opencv_fisheye:fx,fy,cx,cy,k1,k2,k3,k4; or a file of OpenCV, ROS, Kalibr, KITTI, COLMAP or nerfstudio "
        "(FILE:NAME for one of its cameras).",
        "NUMBERS|FILE",
        read=_calibration,
    ),
    Option("hfov_deg", "camera.hfov_deg", float, "Horizontal field of view in degrees."),
    Option(
        "panorama_view",
        "camera.panorama_view",
        str,
        "Cut a pinhole's view out of equirectangular pictures; in degrees, 0,0,90 straight ahead.",
        "YAW,PITCH,HFOV",
    ),
    Option(
        "mask",
        "camera.mask",
        list[str],
        "auto (default) finds what goes with the camera and leaves it out, off does not; an image, folder or 'pattern' "
        "of masks (0: left out) adds to either. May be repeated.",
        "auto|off|MASKS",
        read=_masks,
    ),
    Option("camera", "frames.camera", str, "Of several in a card's files; default front.", "front|rear|NAME"),
    Option("every", "frames.every", int, "Use every n-th frame."),
    Option("fps", "frames.fps", str, "Use about this many frames a second; auto: about 10.", "N|auto"),
    Option("topic", "frames.topic", str, "Of a bag (ROS): the camera's topic.", "NAME"),
    Option(
        "times",
        "frames.times",
        str,
        "The frames' times, one a line or with pictures' names.",
        "FILE|off",
        read=_absolute,
    ),
    Option("gate", "frames.gate", Literal["auto", "off"], "Leave out frames that add nothing or harm; default auto."),
    Option("start", "frames.start", float, "Seconds to skip at the beginning."),
    Option("end", "frames.end", float, "Stop so many seconds after the first frame."),
    Option("max_frames", "frames.max_frames", int, "Use at most this many frames."),
    Option("device", "model.device", str, "auto, cpu, cuda, cuda:N or mps."),
    Option("vram_gb", "model.vram_gb", float, "GB of the device's memory that a DA3 model may take."),
    Option("workers", "model.workers", int, "Parallel processes; default one per core."),
    Option("voxel_m", "cloud.voxel_m", float, "Edge of the cloud's voxels in metres."),
    Option("max_points", "cloud.max_points", int, "At most this many points in cloud.ply."),
    Option("scale", "scale.factor", float, "Metres per unit of the run."),
    Option("path_length_m", "scale.path_length_m", float, "True length of the camera's path in metres."),
    Option(
        "camera_height",
        "scale.camera_height",
        str,
        "Of the camera over the ground it is driven along.",
        "auto|off|constant|METRES",
    ),
)

EXPORT = (
    Option("frames", "frames", str, "Frames of the input from A to before B.", "A:B"),
    Option("every", "every", int, "Every n-th of them."),
    Option(
        "axes",
        "axes",
        Literal["world", "upright", "map"],
        "Of the file: of the first camera, turned upright, or east-north-up where the run is located.",
    ),
    Option(
        "crop",
        "crop",
        str,
        "Of a cloud or mesh: box:X,Y,Z,X,Y,Z (two corners) or sphere:X,Y,Z,RADIUS in the file's coordinates, or "
        "object, what the cameras circle.",
        "REGION",
    ),
    Option("voxel_m", "voxel_m", float, "Edge of a voxel in metres."),
    Option("max_points", "max_points", int, "At most this many points."),
    Option("confidence", "confidence", float, "Share of the least confident points left out."),
    Option("resolution", "resolution", Literal["input", "model"], "Of the pictures."),
    Option("undistort", "undistort", bool, "Remove the lens's distortion from the pictures."),
    Option("seeds", "seeds", int, "Points of the cloud in points3D.bin, for splats (3dgs, colmap)."),
    Option("refine", "refine", bool, "Bundle adjustment of a COLMAP model."),
    Option(
        "unknown", "unknown", Literal["nan", "omit", "interpolate"], "What a trajectory has for frames without a pose."
    ),
    Option(
        "altitude",
        "altitude",
        Literal["auto", "absolute", "relative", "clamp", "ellipsoid"],
        "Heights in files for maps: over the sea, the first camera, none, over the ellipsoid.",
    ),
)


def with_options(table: Sequence[Option], before: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of a table to a command, `before` one of its own parameters; their values come as `values`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            values = {option.target: option.value(given.pop(option.name)) for option in table}
            command(**given, values=values)

        run.__signature__ = inspect.Signature(list(parameters(command)))  # type: ignore[attr-defined]
        return run

    def parameters(command: Callable[..., None]) -> Iterator[inspect.Parameter]:
        for name, own in inspect.signature(command, eval_str=True).parameters.items():
            yield from (option.parameter() for option in table if (option.before or before) == name)
            if name != "values":
                yield own

    return decorate
