"""The camera that a calibration tells of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingsError
from ..geometry.camera_models import CameraModel

GIVEN = "given"  # the source of numbers that stand in no file
MAX_ASPECT_CHANGE = 0.01  # relative, between the pictures of the calibration and those of the video
MAX_FOCAL_WIDTHS = 1e4  # a number beyond it is no focal length in pixels


@dataclass(frozen=True)
class KnownCamera:
    """A lens, and the (width, height) of the pictures that it was calibrated with (None: those of the video).

    `source` says where that was read, `others` name the cameras of other lenses in the same file.
    """

    model: CameraModel
    size: tuple[int, int] | None = None
    source: str = ""
    others: tuple[str, ...] = ()

    def for_pictures(self, size: tuple[int, int]) -> CameraModel:
        """The lens of pictures of (width, height).

        Raises SettingsError where they have another aspect than those of the calibration, or the principal point lies
        outside.
        """
        model = self.model if self.size is None else self._scaled(self.size, size)
        if not (0 <= model.cx - 0.5 < size[0] and 0 <= model.cy - 0.5 < size[1]):
            raise SettingsError(
                f"the intrinsics' principal point ({model.cx - 0.5:g}, {model.cy - 0.5:g}) lies outside the image of "
                f"{size[0]}x{size[1]} pixels: give intrinsics for the input's own resolution, or say theirs (@WxH)"
            )
        return model

    def _scaled(self, own: tuple[int, int], size: tuple[int, int]) -> CameraModel:
        if abs(own[0] * size[1] / (own[1] * size[0]) - 1) > MAX_ASPECT_CHANGE:
            turned = abs(own[1] * size[1] / (own[0] * size[0]) - 1) <= MAX_ASPECT_CHANGE
            hint = "turned by a quarter" if turned else "of another shape, so cut or stretched"
            raise SettingsError(
                f"the intrinsics{'' if self.source in ('', GIVEN) else f' of {self.source}'} are for pictures of "
                f"{own[0]}x{own[1]}, and the input's are {size[0]}x{size[1]}, {hint}: give the calibration of "
                "pictures like these"
            )
        return self.model.resize(own, size)


def opencv_camera(
    focal_and_centre: Sequence[float],
    distortion: Sequence[float],
    *,
    is_fisheye: bool,
    size: tuple[int, int] | None,
    what: str,
) -> KnownCamera:
    """A camera from OpenCV's fx, fy, cx, cy (first pixel centre at 0) and its coefficients of distortion.

    Raises SettingsError, which begins with `what`, for numbers that make no lens.
    """
    fx, fy, cx, cy = focal_and_centre
    coefficients = tuple(distortion)
    while coefficients and coefficients[-1] == 0:  # OpenCV writes up to 14, of which the last are of a tilted sensor
        coefficients = coefficients[:-1]
    most = 4 if is_fisheye else 8
    if len(coefficients) > most:
        raise SettingsError(
            f"{what} have {len(coefficients)} coefficients of distortion, and at most {most} are understood: "
            "calibrate without thin prisms and tilt"
        )
    make = CameraModel.fisheye if is_fisheye else CameraModel.perspective
    return checked(KnownCamera(make(fx, fy, cx + 0.5, cy + 0.5, coefficients), size), what)


def checked(camera: KnownCamera, what: str) -> KnownCamera:
    """The camera, if its numbers make a lens. Raises SettingsError, which begins with `what`, if not."""
    model, size = camera.model, camera.size
    if not all(math.isfinite(value) for value in (*model.params, *model.distortion)):
        raise SettingsError(f"{what} have a number that is not finite: {', '.join(f'{v:g}' for v in model.params)}")
    if model.fx <= 0 or model.fy <= 0:
        raise SettingsError(f"{what} have a focal length that is not above 0 (fx {model.fx:g}, fy {model.fy:g})")
    if size is not None and (min(size) < 1 or max(model.fx, model.fy) > MAX_FOCAL_WIDTHS * max(size)):
        raise SettingsError(f"{what} do not fit their own size of {size[0]}x{size[1]} pixels (fx {model.fx:g})")
    return camera
