"""The options of `run` that only pass a setting on.

A new one takes a field in its class of `settings/stages.py` and a row here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from . import completion
from .table import Option

FRAMES, CAMERA, MODEL, MAP = "Which frames", "The camera", "Model and speed", "Scale and cloud"


def _calibration(text: str) -> Any:
    from ...calibration import read_calibration

    return read_calibration(text)


def _masks(words: Sequence[str]) -> list[str] | None:
    """With absolute paths, so that a run can be gone on with from anywhere."""
    return [word if word in ("auto", "off") else os.path.abspath(os.path.expanduser(word)) for word in words] or None


def absolute(text: str) -> str:
    """The path of a file, so that exports find it from any folder; `off` as it is."""
    return text if text == "off" else os.path.abspath(os.path.expanduser(text))


RUN = (
    Option(
        "model",
        "model.name",
        str,
        "auto, sfm, a name of 'weights list', or a folder with a checkpoint.",
        before="config",
        panel=MODEL,
        complete=completion.models,
    ),
    Option(
        "quality",
        "model.quality",
        Literal["fast", "balanced", "best"],
        "Accuracy against time; default balanced.",
        before="config",
        panel=MODEL,
    ),
    Option(
        "intrinsics",
        "camera.intrinsics",
        str,
        "fx,fy,cx,cy[,k1,k2,p1,p2[,k3]][@WxH] in pixels, first pixel centre at 0; "
        "opencv_fisheye:fx,fy,cx,cy,k1..k4; or a file of OpenCV, ROS, Kalibr, KITTI, COLMAP or nerfstudio "
        "(FILE:NAME for one of its cameras).",
        "NUMBERS|FILE",
        read=_calibration,
        panel=CAMERA,
    ),
    Option("hfov_deg", "camera.hfov_deg", float, "Horizontal field of view in degrees.", panel=CAMERA),
    Option(
        "panorama_view",
        "camera.panorama_view",
        str,
        "Cut a pinhole's view out of equirectangular pictures; in degrees, 0,0,90 straight ahead.",
        "YAW,PITCH,HFOV",
        panel=CAMERA,
    ),
    Option(
        "mask",
        "camera.mask",
        list[str],
        "auto (default) finds what goes with the camera and leaves it out, off does not; an image, folder or 'pattern' "
        "of masks (0: left out) adds to either. May be repeated.",
        "auto|off|MASKS",
        read=_masks,
        panel=CAMERA,
    ),
    Option(
        "camera", "frames.camera", str, "Of several in a card's files; default front.", "front|rear|NAME", panel=CAMERA
    ),
    Option("every", "frames.every", int, "Use every n-th frame.", panel=FRAMES),
    Option("fps", "frames.fps", str, "Use about this many frames a second; auto: about 10.", "N|auto", panel=FRAMES),
    Option("topic", "frames.topic", str, "Of a bag (ROS): the camera's topic.", "NAME", panel=FRAMES),
    Option(
        "times",
        "frames.times",
        str,
        "The frames' times, one a line or with pictures' names.",
        "FILE|off",
        read=absolute,
        panel=FRAMES,
    ),
    Option(
        "gate",
        "frames.gate",
        Literal["auto", "off"],
        "Leave out frames that add nothing or harm; default auto.",
        panel=FRAMES,
    ),
    Option("start", "frames.start", float, "Seconds to skip at the beginning.", panel=FRAMES),
    Option("end", "frames.end", float, "Stop so many seconds after the first frame.", panel=FRAMES),
    Option("max_frames", "frames.max_frames", int, "Use at most this many frames.", panel=FRAMES),
    Option("device", "model.device", str, "auto, cpu, cuda, cuda:N or mps.", panel=MODEL, complete=completion.devices),
    Option("vram_gb", "model.vram_gb", float, "GB of the device's memory that a DA3 model may take.", panel=MODEL),
    Option("workers", "model.workers", int, "Parallel processes; default one per core.", panel=MODEL),
    Option(
        "gaussians",
        "splats.gaussians",
        bool,
        "Keep a Gaussian splat of every pixel, too (da3-giant, da3nested-giant-large).",
        panel=MODEL,
    ),
    Option("voxel_m", "cloud.voxel_m", float, "Edge of the cloud's voxels in metres.", panel=MAP),
    Option("max_points", "cloud.max_points", int, "At most this many points in cloud.ply.", panel=MAP),
    Option("scale", "scale.factor", float, "Metres per unit of the run.", panel=MAP),
    Option("path_length_m", "scale.path_length_m", float, "True length of the camera's path in metres.", panel=MAP),
    Option(
        "camera_height",
        "scale.camera_height",
        str,
        "Of the camera over the ground it is driven along.",
        "auto|off|constant|METRES",
        panel=MAP,
    ),
)
