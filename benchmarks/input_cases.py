"""The inputs of `cases/inputs` in the shared data: how each is run, and what is right."""

from __future__ import annotations

import math
from dataclasses import dataclass

K = "208.516,208.516,159.5,119.5"  # of the town at 320x240
K_WIDE = "292,292,239.5,179.5"
BROWN = f"{K_WIDE},-0.283,0.0739,0.0002,0.00002"
FOCAL_110 = 240 / math.radians(55)
FISHEYE = f"opencv_fisheye:{FOCAL_110!r},{FOCAL_110!r},239.5,179.5,0,0,0,0"


@dataclass(frozen=True)
class InputCase:
    """One run: `most_percent` is the largest ATE, or `times` that of the case `beside`; with `or_doubted` a run that
    does not say OK may be farther off. `refused` is what the sentence of a refusal holds."""

    name: str
    source: str
    options: tuple[str, ...] = ()
    truth: str | None = None
    frames: int | None = None
    size: str | None = None
    most_percent: float | None = None
    beside: str = ""
    times: float = 1.0
    or_doubted: bool = False
    says_ok: bool | None = None
    says: tuple[str, ...] = ()
    refused: str = ""


def _known(k: str) -> tuple[str, str]:
    return "--intrinsics", k


CASES = (
    InputCase("base", "base.mp4", _known(K), "base.txt", 60, "320x240", 0.03, says_ok=True),
    InputCase("bonnet_mild", "bonnet_mild.mp4", _known(K), "base.txt", beside="base", times=2, or_doubted=True),
    InputCase("bonnet_strong", "bonnet_strong.mp4", _known(K), "base.txt", beside="base", times=2, or_doubted=True),
    InputCase("pinhole292", "pinhole292.mp4", _known(K_WIDE), "wide.txt", 60, "480x360", 0.03, says_ok=True),
    InputCase("brown", "brown.mp4", _known(BROWN), "wide.txt", 60, beside="pinhole292", times=1.3, says_ok=True),
    InputCase("brown, K alone", "brown.mp4", _known(K_WIDE), "wide.txt", 60, says_ok=False),
    InputCase("fisheye110", "fisheye110.mp4", _known(FISHEYE), "wide.txt", 60, beside="pinhole292", times=1.3),
    InputCase("fisheye110, nothing known", "fisheye110.mp4", (), "wide.txt", 60, most_percent=0.1, or_doubted=True),
    InputCase("equirect", "equirect.mp4", refused="panorama"),
    InputCase("equirect, a view", "equirect.mp4", ("--panorama-view", "0,0,90"), frames=60),
    InputCase("purerot", "purerot.mp4", _known("312.774,312.774,239.5,179.5"), says=("turning",)),
    InputCase("zoom", "zoom.mp4", (), "base.txt", most_percent=0.5, or_doubted=True),
    InputCase(
        "base, K of another size",
        "base.mp4",
        _known("312.774,312.774,239.5,179.5"),
        says=("intrinsics_size",),
        says_ok=False,
    ),
    InputCase(
        "base, K with its size",
        "base.mp4",
        _known("312.774,312.774,239.5,179.5@480x360"),
        "base.txt",
        most_percent=0.03,
        says_ok=True,
    ),
    InputCase("anamorphic", "anamorphic.mp4", (), "base.txt", size="320x240", most_percent=0.1, or_doubted=True),
    InputCase("progressive30", "progressive30.mp4", _known(K), "interlaced.txt", most_percent=0.1, says_ok=True),
    InputCase(
        "interlaced",
        "interlaced.mp4",
        _known(K),
        "interlaced.txt",
        30,
        beside="progressive30",
        times=3,
        says=("input_pixels",),
    ),
    InputCase("tunnel_same", "tunnel_same.mp4", _known("200,200,159.5,119.5"), "tunnel_same.txt", None, None, 1.0),
    InputCase("short5", "short5.mp4", _known(K), "short5.txt", most_percent=0.1, or_doubted=True),
    InputCase("truck", "truck.mp4", _known(K), "truck.txt", most_percent=0.1),
    InputCase("leap_day_first", "leap_day_first.mkv", frames=40, says=("input_times",)),
    InputCase("parts", "parts", frames=40, says=("input_files",)),
    InputCase("tum", "tum/rgb", ("--config", "tum", *_known(K)), "tum/groundtruth.txt", most_percent=1.0),
    InputCase("thermal16", "thermal16", (), frames=24, says=("input_pixels",)),
    InputCase("with_masks", "with_masks", (), says=("input_masks",)),
    *(
        InputCase(f"calib/{name}", "base.mp4", _known(f"INPUTS/calib/{name}"), frames=60)
        for name in ("K.txt", "cameras.txt", "droid.txt", "kitti_calib.txt", "ok.txt", "opencv.yaml")
    ),
)
