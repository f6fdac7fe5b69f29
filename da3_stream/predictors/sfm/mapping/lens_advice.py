"""What is worth saying to the user of the lens of a window: that it changes, that the images contradict it, that it was
not observed, that its K is one of other images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ....types.advice import Advice, AdviceCode
from .calibration import Calibration
from .lens_size import is_of_another_size, size_of
from .lens_switch import LensSwitch
from .lens_watch import SMALL_RADIAL_SHARE, LensReading

Array = NDArray[np.float64]

MOST_ZOOM = 5.0  # a larger change within a window is that of a frame that hardly tells its focal length


def lens_advice(
    reading: LensReading | None,
    switches: Sequence[LensSwitch],
    calibration: Calibration,
    lens: Lens,
    indices: Sequence[int],
    size: tuple[int, int],
) -> tuple[Advice, ...]:
    """What is worth saying of the lens of a window of frames with these source indices; `lens` is that in use."""
    span = indices[0], indices[-1]
    said = []
    if switches:
        return tuple(_switched(switch, indices) for switch in switches)
    if reading is not None and reading.changes:
        return (_changed(reading, indices),)  # what a changing lens says of its mean or its distortion is no evidence
    if reading is not None and reading.disagrees:
        said.append(_wrong(reading, calibration, lens, span))
    if reading is not None and reading.lacks_distortion:
        said.append(_distorted(reading, lens, size, span))
    elif (rest := _unmodelled_px(lens, size)) > SMALL_RADIAL_SHARE * size[0]:
        said.append(_strong(lens, size, rest, span))
    if not calibration.focal_given and not calibration.focal_weight and not said:
        said.append(_not_observed(span))
    return tuple(said)


def _switched(switch: LensSwitch, indices: Sequence[int]) -> Advice:
    text = (
        f"the picture's scale jumps by a factor of {float(np.exp(switch.log_factor)):.2f} between two frames (another "
        "lens, or a zoom): what was seen before and after needs runs of its own (--start, --end)"
    )
    return Advice(AdviceCode.LENS_CHANGED, text, indices[switch.row - 1], indices[switch.row])


def _changed(reading: LensReading, indices: Sequence[int]) -> Advice:
    """Where the focal length goes from one end of its range to the other."""
    first, last = change_rows(reading)
    factor = float(np.exp(reading.course.max() - reading.course.min()))
    by_how_much = f" by a factor of {factor:.2f} or more" if factor < MOST_ZOOM else ""
    text = (
        f"the focal length changes{by_how_much} (zoom, another lens, or stabilisation): what was seen with one lens "
        "and what with another need runs of their own (--start, --end)"
    )
    return Advice(AdviceCode.LENS_CHANGED, text, indices[first], indices[last])


def change_rows(reading: LensReading) -> tuple[int, int]:
    """First and last row of the change: from where the focal length leaves a tenth of its range to where it has gone
    through nine tenths."""
    low, high = reading.course.min(), reading.course.max()
    inner = (reading.course > low + 0.1 * (high - low)) & (reading.course < high - 0.1 * (high - low))
    ends = reading.rows[[reading.course.argmin(), reading.course.argmax()]]
    between = reading.rows[inner & (reading.rows >= ends.min()) & (reading.rows <= ends.max())]
    return (int(between[0]), int(between[-1])) if len(between) else (int(ends.min()), int(ends.max()))


def _wrong(reading: LensReading, calibration: Calibration, lens: Lens, span: tuple[int, int]) -> Advice:
    factor = float(np.exp(reading.focal))
    if calibration.focal_given:
        text = (
            f"the images ask for a focal length {factor:.2f} times the one given, and are sure of it within "
            f"{100 * reading.focal_sigma:.0f} %: check the intrinsics, or leave them out to have them estimated"
        )
        return Advice(AdviceCode.INTRINSICS_WRONG, text, *span)
    text = (
        f"these frames ask for a focal length {factor:.2f} times the one in use ({lens.fx:.0f} px at the "
        "working size): the lens may have changed; give its intrinsics, or make several runs"
    )
    return Advice(AdviceCode.LENS_DOUBTFUL, text, *span)


def _distorted(reading: LensReading, lens: Lens, size: tuple[int, int], span: tuple[int, int]) -> Advice:
    share = 100 * abs(reading.corner_px) / float(np.hypot(*size) / 2)
    text = (
        f"the images are distorted by {share:.1f} % more at the corners than the lens in use: straight things bend; "
        "give a calibration, or undistort the video first"
    )
    return Advice(AdviceCode.LENS_DOUBTFUL, text, *span)


def _unmodelled_px(lens: Lens, size: tuple[int, int]) -> float:
    """What the term after k1 may move the corner by: in lenses it is of the order of the first one's square."""
    return lens.shift_px(size) ** 2 / float(np.hypot(size[0] / 2, size[1] / 2))


def _strong(lens: Lens, size: tuple[int, int], rest_px: float, span: tuple[int, int]) -> Advice:
    share = 100 * lens.shift_px(size) / float(np.hypot(*size) / 2)
    text = (
        f"the lens was learnt to be distorted by {share:.0f} % at the corners, of which one radial term may leave "
        f"{100 * rest_px / float(np.hypot(*size) / 2):.1f} %: give a calibration, or undistort the video first"
    )
    return Advice(AdviceCode.LENS_DOUBTFUL, text, *span)


def _not_observed(span: tuple[int, int]) -> Advice:
    text = (
        "the focal length was not observed and stays at a guess, so depths may be wrong by a factor: drive a curve, or "
        "give intrinsics (--intrinsics)"
    )
    return Advice(AdviceCode.LENS_NOT_OBSERVED, text, *span)


def size_advice(k: Array, size: tuple[int, int], span: tuple[int, int]) -> tuple[Advice, ...]:
    """A question where K [3,3] looks like one of images of another size than (width, height)."""
    if not is_of_another_size(k, size):
        return ()
    width, height = size_of(k)
    text = (
        f"is this K of another resolution? Its principal point is the middle of {width}x{height}, the images are "
        f"{size[0]}x{size[1]}: give the K of these images, or say its size (--intrinsics ...@{width}x{height})"
    )
    return (Advice(AdviceCode.INTRINSICS_SIZE, text, *span),)
