"""The camera of an input: as it was given, else as its files tell, and what that makes of its frames."""

from __future__ import annotations

from ....calibration import KnownCamera
from ....errors import SettingsError
from ....geometry import intrinsics_from_hfov, intrinsics_matrix
from ....geometry.camera_models import CameraModel
from ....geometry.straight_view import straight_view
from ....settings import CameraSettings
from ....types import FOCAL_SIGMA, AdviceCode, InputCamera
from ..source import FrameSource
from .undistortion import Undistortion


def know_camera(source: FrameSource, settings: CameraSettings) -> FrameSource:
    """The source, its frames straightened where the lens is known to distort.

    Raises SettingsError where a calibration does not fit the pictures.
    """
    known = given_calibration(settings, _fitting(source))
    source.camera = camera = input_camera(settings, source.size, source.focal_px, known)
    if camera.is_straightened and camera.k is not None and camera.lens is not None:
        source.undistort = Undistortion(camera.lens, camera.k, source.size)
    if known is not None and known is source.calibration:
        source.say(AdviceCode.INPUT_CAMERA, f"the camera is calibrated by {known.source}")
    for text in [] if known is None else _remarks(known, source.size):
        source.say(AdviceCode.INPUT_CAMERA, text)
    return source


def _fitting(source: FrameSource) -> KnownCamera | None:
    """The input's own calibration, if it fits its pictures; says so where it does not."""
    own = source.calibration
    try:
        if own is not None:
            own.for_pictures(source.size)
    except SettingsError as error:
        source.say(AdviceCode.INPUT_CAMERA, f"{error}; the calibration in the input is not used")
        return None
    return own


def given_calibration(settings: CameraSettings, own: KnownCamera | None) -> KnownCamera | None:
    """The calibration that the settings give, else the input's own, if they do not give a field of view."""
    if settings.intrinsics is not None:
        return settings.intrinsics.camera()
    return own if settings.hfov_deg is None and settings.panorama_view is None else None


def input_camera(
    settings: CameraSettings, size: tuple[int, int], focal_px: float | None, known: KnownCamera | None
) -> InputCamera:
    """The camera of pictures of (width, height): by a calibration, else by the field of view of the settings, else with
    the focal length of the input's tags as a first guess.

    Raises SettingsError where the calibration does not fit the pictures.
    """
    if known is not None:
        lens = known.for_pictures(size)
        k = lens.matrix() if lens.is_pinhole else straight_view(lens, size, settings.undistort_fov)
        return InputCamera(k, None, lens, known.source)
    if settings.panorama_view is not None:
        k = intrinsics_from_hfov(settings.panorama_view[2], size)
        return InputCamera(k, None, CameraModel.of_matrix(k), "view cut out of a panorama", is_cut_out=True)
    if settings.hfov_deg is not None:
        k = intrinsics_from_hfov(settings.hfov_deg, size)
        return InputCamera(k, None, CameraModel.of_matrix(k), "horizontal field of view")
    if focal_px is not None:
        k = intrinsics_matrix(focal_px, focal_px, size[0] / 2, size[1] / 2)
        return InputCamera(k, FOCAL_SIGMA, CameraModel.of_matrix(k), "focal length in the input's tags")
    return InputCamera()


def _remarks(known: KnownCamera, size: tuple[int, int]) -> list[str]:
    """What is worth saying of a calibration: which was taken, and how."""
    remarks = []
    if known.others:
        remarks.append(
            f"the intrinsics are those of {known.source}, and {', '.join(known.others)} stand beside them: FILE:NAME "
            "takes another camera"
        )
    if known.size is not None and known.size != size:
        (w, h), (width, height) = known.size, size
        remarks.append(f"the intrinsics of pictures of {w}x{h} were scaled to the input's {width}x{height}")
    return remarks
