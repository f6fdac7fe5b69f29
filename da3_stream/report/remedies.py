"""What each code of an advice means to people, and what they can do: the one table of it.

report.html shows it, and docs/when-it-goes-wrong.md has an anchor for every code (a test compares them).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..types import AdviceCode

PAGE = "docs/when-it-goes-wrong.md"


@dataclass(frozen=True)
class Remedy:
    """A title in plain words, why it happens, what helps, and the options of `da3-stream run` for it."""

    title: str
    cause: str
    help: str
    options: tuple[str, ...] = ()


REMEDIES: dict[AdviceCode, Remedy] = {
    AdviceCode.LOW_CONFIDENCE: Remedy(
        "these poses are more likely wrong than right",
        "The picture gives too little to go by: blur, darkness, blank walls, or a camera that moves too fast.",
        "Film slower, with more light and texture; use more frames a second; give the camera's calibration.",
        ("--intrinsics FILE", "--fps N"),
    ),
    AdviceCode.INTRINSICS_SIZE: Remedy(
        "the calibration is that of another picture size",
        "The numbers that were given fit the same camera at another resolution: the map bends.",
        "Say for which size they are, or give those of this video.",
        ("--intrinsics NUMBERS@WxH",),
    ),
    AdviceCode.INTRINSICS_WRONG: Remedy(
        "the pictures contradict the calibration that was given",
        "The focal length or the distortion is not that of this video: wrong camera, zoom, stabilisation, or a crop.",
        "Leave it out, so that it is learnt from the video, or calibrate again.",
        ("without --intrinsics and --hfov-deg",),
    ),
    AdviceCode.LENS_CHANGED: Remedy(
        "the focal length changed",
        "The camera zoomed, changed its lens, or began to stabilise; a run has one lens.",
        "Run the parts before and after it for themselves.",
        ("--start SECONDS", "--end SECONDS"),
    ),
    AdviceCode.LENS_DOUBTFUL: Remedy(
        "the lens that was learnt is in doubt",
        "Parts of the video disagree on it: too few curves, or too little near and far in one picture.",
        "Give the calibration, or drive a curve.",
        ("--intrinsics FILE", "--hfov-deg DEGREES"),
    ),
    AdviceCode.SCALE_WANDERS: Remedy(
        "the scale wanders along the way",
        "One camera does not see how large things are; small errors of many windows add up.",
        "Come back to a place that was seen before, or give the camera's height over the ground.",
        ("--camera-height METRES",),
    ),
    AdviceCode.STANDING_DOUBTFUL: Remedy(
        "the camera may stand, or go on behind what hides most of the picture",
        "Only a small part of the picture moves, and always the same one.",
        "Crop the video to the part that moves, or mask the rest; if the camera does stand, nothing.",
        ("--mask IMAGE",),
    ),
    AdviceCode.JOIN_DOUBTFUL: Remedy(
        "two parts of the map hardly fit together here",
        "Where one window ends and the next begins they disagree: direction or scale may change.",
        "Film slower and with more texture there, or let the windows share more frames.",
        ("--set windows.overlap=N",),
    ),
    AdviceCode.LENS_NOT_OBSERVED: Remedy(
        "the focal length was not observed",
        "On a straight way many focal lengths explain the pictures: depth may be too deep or too flat.",
        "Give the field of view or a calibration, or drive a curve.",
        ("--hfov-deg DEGREES", "--intrinsics FILE"),
    ),
    AdviceCode.STATIC_MASK: Remedy(
        "something goes with the camera, and was left out",
        "A bonnet, a mount or burnt-in text stays where it is in the picture.",
        "Nothing, where the mask is right; else switch it off or give one of your own.",
        ("--mask off", "--mask IMAGE"),
    ),
    AdviceCode.MOVING_OBJECTS: Remedy(
        "most of the picture moved by itself, and was not believed",
        "Something large passed: a lorry, a crowd, a train.",
        "Nothing is needed.",
    ),
    AdviceCode.TURNING: Remedy(
        "the camera only turned: no depth there",
        "Depth comes from seeing a thing from two places; a turn on the spot has only one.",
        "Take a step aside while turning; to fill the gap, film the place again while walking.",
    ),
    AdviceCode.STANDING: Remedy(
        "the camera stood: no depth there",
        "A camera that stands sees everything from one place: the pose is held, and depth comes when it goes on.",
        "Nothing is needed.",
    ),
    AdviceCode.UNPLACED: Remedy(
        "frames without a pose",
        "Nothing tied them to the rest: darkness, blur, a covered lens, or a cut.",
        "Give light, texture, and much in common between neighbouring frames.",
        ("--fps N", "--start SECONDS", "--end SECONDS"),
    ),
    AdviceCode.INPUT_FILES: Remedy(
        "which files were taken",
        "The input holds several files, or some that are no part of it.",
        "See that they are the right ones in the right order.",
        ("--list", "--camera NAME"),
    ),
    AdviceCode.INPUT_TIMES: Remedy(
        "where the times come from",
        "Times are absent, or were mended or assumed: speeds and times of the report hang on them.",
        "Give the times, if they matter.",
        ("--times FILE",),
    ),
    AdviceCode.INPUT_PIXELS: Remedy(
        "how stored pixels became pictures",
        "The video is interlaced, deep, turned, or has pixels that are not square.",
        "Nothing, if the pictures look right.",
    ),
    AdviceCode.INPUT_MASKS: Remedy(
        "masks beside the pictures",
        "Masks or depth maps lie beside the pictures.",
        "See that they are the ones that you mean.",
        ("--mask off", "--mask MASKS"),
    ),
    AdviceCode.INPUT_CAMERA: Remedy(
        "which calibration is used",
        "It lay beside the input, or was converted.",
        "Give another, if it is not this camera's.",
        ("--intrinsics FILE",),
    ),
}


def anchor(code: AdviceCode) -> str:
    """Where the documentation tells more of it."""
    return f"{PAGE}#{code.value}"
