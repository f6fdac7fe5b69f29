"""What is known of the camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..calibration import KnownCamera, read_calibration
from ..errors import Da3StreamError
from ..geometry.camera_models import CameraModel
from .masks import WORDS, MaskChoice, words_of
from .validation import Stage

VIEW = "expected yaw,pitch,hfov in degrees, such as 0,0,90"


class Intrinsics(Stage):
    """A calibration: COLMAP's model of that name with its parameters in pixels (first pixel centre at 0.5).

    `size` is that of the pictures it was made with (null: those of the input), `source` says where it was read, and
    `others` which cameras of other lenses stood there beside it.
    """

    model: str
    params: tuple[float, ...] = Field(strict=False)
    size: tuple[int, int] | None = Field(None, strict=False)
    source: str = "given"
    others: tuple[str, ...] = Field((), strict=False)

    @staticmethod
    def of(camera: KnownCamera) -> Intrinsics:
        """The same as a setting."""
        model = camera.model
        return Intrinsics(
            model=model.name, params=model.params, size=camera.size, source=camera.source, others=camera.others
        )

    def camera(self) -> KnownCamera:
        """The same as a value of geometry."""
        return KnownCamera(CameraModel.from_colmap(self.model, self.params), self.size, self.source, self.others)

    @model_validator(mode="after")
    def _is_a_lens(self) -> Intrinsics:
        try:
            model = self.camera().model
        except Da3StreamError as error:
            raise ValueError(str(error)) from None
        if min(model.fx, model.fy) <= 0:
            raise ValueError(f"the focal length must be above 0, not {model.fx:g}, {model.fy:g}")
        return self


class CameraSettings(Stage):
    """What is known of the camera, at the input's resolution."""

    intrinsics: Intrinsics | None = Field(
        None,
        description="fx,fy,cx,cy[,k1,k2,p1,p2[,k3]][@WxH] in pixels, first pixel centre at 0 (OpenCV, KITTI), or a "
        "file with a calibration (OpenCV, ROS, Kalibr, KITTI, COLMAP, nerfstudio)",
    )
    hfov_deg: float | None = Field(None, gt=1, lt=179, description="horizontal field of view in degrees")
    undistort_fov: float | None = Field(
        None,
        gt=1,
        le=160,
        description="horizontal field of view in degrees of pictures that are straightened by their calibration; null: "
        "as wide as their middle row and column are filled, at most 110 where that does not magnify the middle",
    )
    panorama_view: tuple[float, float, float] | None = Field(
        None,
        strict=False,
        description="yaw (to the right), pitch (up) and horizontal field of view in degrees of the pinhole's view that "
        "is cut out of equirectangular pictures",
    )
    lens: Literal["auto", "pinhole"] = Field(
        "auto",
        description="auto learns the radial distortion that is left in the images, unless a calibration tells it; "
        "pinhole trusts there is none",
    )
    mixed: bool = Field(
        False,
        description="pictures are of any cameras and shapes: each has the focal length of its own EXIF data, if all "
        "have some, and shows the middle that all shapes share; needs loops.descriptor off",
    )
    cameras: str | None = Field(
        None,
        description="lenses and poses of the pictures: a COLMAP model's folder, a run directory, transforms.json, an "
        ".npz, or a list of poses; for Depth Anything 3 with loops.descriptor off",
    )
    mask: MaskChoice = Field(
        "auto",
        description="auto finds what goes with the camera (bonnet, burnt-in text) and leaves it out; off does not; an "
        "image, folder or pattern of masks (0: left out), or a list of these",
    )

    @property
    def by_picture(self) -> bool:
        """Whether pictures have cameras of their own."""
        return self.mixed or self.cameras is not None

    @property
    def mask_off(self) -> bool:
        """Whether no masks are to be used but those that are given."""
        return "off" in words_of(self.mask)

    @property
    def mask_files(self) -> tuple[str, ...]:
        """Images, folders and patterns of masks by hand."""
        return tuple(word for word in words_of(self.mask) if word not in WORDS)

    @field_validator("intrinsics", mode="before")
    @classmethod
    def _calibration(cls, value: Any) -> Any:
        """A calibration as text, the name of its file, or the four numbers fx, fy, cx, cy."""
        try:
            if isinstance(value, (str, Path)):
                return Intrinsics.of(read_calibration(str(value)))
            if isinstance(value, Sequence):
                return Intrinsics.of(_of_four_numbers(value))
        except Da3StreamError as error:
            raise ValueError(str(error)) from None
        return Intrinsics.of(value) if isinstance(value, KnownCamera) else value

    @field_validator("panorama_view", mode="before")
    @classmethod
    def _view(cls, value: Any) -> Any:
        """Three numbers, also as text."""
        if not isinstance(value, str):
            return value
        try:
            yaw, pitch, hfov = (float(word) for word in value.replace(",", " ").split())
        except ValueError:
            raise ValueError(f"{VIEW}, not {value!r}") from None
        return yaw, pitch, hfov

    @model_validator(mode="after")
    def _plausible(self) -> CameraSettings:
        if self.intrinsics is not None and self.hfov_deg is not None:
            raise ValueError("intrinsics and hfov_deg both set the focal length: give one of them")
        if self.panorama_view is None:
            return self
        if self.cameras is not None or self.mixed:
            raise ValueError("panorama_view is of panoramas of one shape: leave cameras and mixed out")
        _, pitch, hfov = self.panorama_view
        if not (abs(pitch) <= 90 and 10 <= hfov <= 150):
            given = ",".join(f"{value:g}" for value in self.panorama_view)
            raise ValueError(f"{VIEW}, pitch from -90 to 90 and hfov from 10 to 150, not {given}")
        if self.intrinsics is not None or self.hfov_deg is not None:
            raise ValueError("panorama_view sets the focal length: leave intrinsics and hfov_deg out")
        return self


def _of_four_numbers(values: Sequence[Any]) -> KnownCamera:
    """The pinhole of fx, fy, cx, cy (first pixel centre at 0)."""
    is_pinhole = len(values) == 4 and all(isinstance(v, (int, float)) and math.isfinite(v) for v in values)
    if not (is_pinhole and min(values[:2]) > 0):
        raise Da3StreamError(f"intrinsics must be four finite numbers fx, fy, cx, cy with fx, fy > 0: {tuple(values)}")
    fx, fy, cx, cy = (float(value) for value in values)
    return KnownCamera(CameraModel.perspective(fx, fy, cx + 0.5, cy + 0.5), source="given")
