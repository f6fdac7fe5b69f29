"""Pictures of any cameras and shapes as frames of one size: each straightened by its own lens, and of each the middle
that all shapes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....calibration import KnownCamera, PictureCamera, read_cameras
from ....errors import FramesError, SettingsError
from ....geometry import intrinsics_from_hfov, intrinsics_matrix
from ....geometry.camera_models import CameraModel
from ....geometry.masks import resize_mask
from ....geometry.straight_view import straight_maps, straight_view
from ....settings import CameraSettings
from ....types import FOCAL_SIGMA, AdviceCode, Float64, InputCamera
from ...image_size import fit_size, size_of
from ..images.exif import focal_px
from ..images.files import SEVERAL_SIZES, read_picture
from ..images.header import Header, Size, read_header
from ..picture import Picture
from ..resizing import MAX_ASPECT_CHANGE, resize_image
from ..source import FrameSource
from .undistortion import straight_image, straight_mask

TAGS = "focal lengths in the pictures' tags"


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """What frames show of a picture: `k` [3,3] of its straight pixels (None: unknown), the lens where it distorts, and
    the box (left, top, width, height) of straight pixels that becomes the frame."""

    box: tuple[int, int, int, int]
    is_whole: bool  # whether frames show the picture as it is stored
    k: Float64 | None = None
    lens: CameraModel | None = None
    camera_from_world: Float64 | None = None


@dataclass(frozen=True, eq=False)
class OwnViews:
    """The views of a source's pictures by index, all of (width, height) `size`; a text where one cannot be used."""

    shown: Sequence[ShownPicture | str]
    size: Size
    image_side: int | None
    source: str | None = None  # of the cameras

    def show(self, index: int, picture: Picture) -> Picture | str:
        """The part of a picture that the frame shows, straight, or the reason why it cannot be used."""
        shown = self.shown[index]
        if isinstance(shown, str):
            return shown
        if shown.lens is not None and shown.k is not None:
            picture = _straightened(picture, shown.lens, shown.k)
        left, top, width, height = shown.box
        if left + width > picture.image.shape[1] or top + height > picture.image.shape[0]:
            return f"size {picture.size[0]}x{picture.size[1]} differs from what its header says"
        rows, columns = slice(top, top + height), slice(left, left + width)
        mask = None if picture.mask is None else picture.mask[rows, columns]
        return self._resized(Picture(picture.image[rows, columns], mask))

    def intrinsics(self, index: int) -> Float64 | None:
        """K [3,3] in pixels of `size`; None where it is unknown."""
        shown = self.shown[index]
        if isinstance(shown, str) or shown.k is None:
            return None
        left, top, width, height = shown.box
        x, y = self.size[0] / width, self.size[1] / height
        return np.array([[x, 0, -x * left], [0, y, -y * top], [0, 0, 1]]) @ shown.k

    def camera_from_world(self, index: int) -> Float64 | None:
        """Where the camera stood [4,4]; None where it is unknown."""
        shown = self.shown[index]
        return None if isinstance(shown, str) else shown.camera_from_world

    def camera(self) -> InputCamera:
        """What is known of the camera of all pictures."""
        usable = [shown for shown in self.shown if isinstance(shown, ShownPicture)]
        return InputCamera(
            source=self.source,
            focal_sigma=FOCAL_SIGMA if self.source == TAGS else None,
            is_cut_out=not all(shown.is_whole for shown in usable),
            is_of_each=all(shown.k is not None for shown in usable),
            has_poses=all(shown.camera_from_world is not None for shown in usable),
        )

    def _resized(self, picture: Picture) -> Picture:
        """At the size of frames: what is cut out of pictures differs by a pixel in its aspect."""
        target = fit_size(self.size, self.image_side)
        if size_of(picture.image) == target:
            return Picture(picture.image, picture.mask, self.size)
        mask = None if picture.mask is None else resize_mask(picture.mask, target)
        return Picture(resize_image(picture.image, target), mask, self.size)


def own_views(source: FrameSource, settings: CameraSettings) -> OwnViews | None:
    """The views of the pictures of a source; None where they share one camera.

    Raises SettingsError where the cameras that the settings name do not fit, FramesError where they name some and the
    input is not of picture files.
    """
    if not settings.by_picture:
        return None
    if source.kind != "images":
        if settings.cameras is not None:
            raise FramesError(f"'{source.name}' is no set of picture files, which alone have cameras by their names")
        return None
    paths = list(source.image_files)
    headers = [_header(path) for path in paths]
    given = _given(settings, paths)
    sizes = [
        header.size
        for header, camera in zip(headers, given, strict=True)
        if isinstance(header, Header) and not isinstance(camera, str)
    ]
    if not sizes:
        return None  # none can be used: the source says why
    size = _shared_size(sizes)
    focals = _focal_lengths(headers) if settings.cameras is None else [None] * len(paths)
    shown = [
        _shown(header, camera, focal, size, settings)
        for header, camera, focal in zip(headers, given, focals, strict=True)
    ]
    _tell(source, sizes, size)
    return OwnViews(shown, size, source.image_side, settings.cameras or _told_by(settings, focals))


def _header(path: Path) -> Header | str:
    """Of a format that only its decoder knows, what the decoded picture tells; the reason where it cannot be read."""
    header = read_header(path)
    if header is not None:
        return header
    picture = read_picture(path)
    return picture if isinstance(picture, str) else Header(picture.size, 1, {}, False)


_NO_CAMERA = "no camera is given for it"


def _given(settings: CameraSettings, paths: Sequence[Path]) -> list[PictureCamera | str | None]:
    """The camera of each picture as the settings name them, a reason where it has none; None where they name none."""
    if settings.cameras is None:
        return [None] * len(paths)
    found = read_cameras(Path(settings.cameras).expanduser()).of_pictures([str(path.absolute()) for path in paths])
    return [_NO_CAMERA if camera is None else camera for camera in found]


def _shown(
    header: Header | str, given: PictureCamera | str | None, focal: float | None, size: Size, settings: CameraSettings
) -> ShownPicture | str:
    if isinstance(header, str):
        return header
    if isinstance(given, str):
        return given
    box, pose = _middle(header.size, size), None if given is None else given.camera_from_world
    whole = header.size == size
    known = _lens(given, settings)
    if known is not None:
        lens = known.for_pictures(header.size)
        if lens.is_pinhole:
            return ShownPicture(box, whole, lens.matrix(), None, pose)
        return ShownPicture(box, False, straight_view(lens, header.size, settings.undistort_fov), lens, pose)
    if settings.hfov_deg is not None:
        return ShownPicture(box, whole, intrinsics_from_hfov(settings.hfov_deg, header.size), None, pose)
    if focal is not None:
        width, height = header.size
        return ShownPicture(box, whole, intrinsics_matrix(focal, focal, width / 2, height / 2), None, pose)
    if pose is not None:
        raise SettingsError(
            f"{settings.cameras} tells poses and no lens: give --intrinsics or --hfov-deg, or a file that tells both"
        )
    return ShownPicture(box, whole)


def _lens(given: PictureCamera | None, settings: CameraSettings) -> KnownCamera | None:
    """The lens of the picture, else the one that the settings give for all."""
    if given is not None and given.lens is not None:
        return given.lens
    return None if settings.intrinsics is None else settings.intrinsics.camera()


def _focal_lengths(headers: Sequence[Header | str]) -> list[float | None]:
    """Of each picture by its EXIF data, where all that can be read tell one; else None for all: lenses that are known
    and lenses that are predicted do not go together."""
    found = [None if isinstance(header, str) else focal_px(header.exif, header.size) for header in headers]
    known = [isinstance(header, str) or focal is not None for focal, header in zip(found, headers, strict=True)]
    return found if all(known) else [None] * len(headers)


def _told_by(settings: CameraSettings, focals: Sequence[float | None]) -> str | None:
    if settings.intrinsics is not None:
        return settings.intrinsics.source
    if settings.hfov_deg is not None:
        return "horizontal field of view"
    return TAGS if any(focals) else None


def _shared_size(sizes: Sequence[Size]) -> Size:
    """(width, height) of the middle that all pictures have once their longer sides are that of the most common size."""
    common = Counter(sizes).most_common(1)[0][0]
    width, height = (min(side[axis] * max(common) / max(side) for side in sizes) for axis in (0, 1))
    if not any(_is_cut(side, common) for side in sizes):
        return common
    return max(1, round(width)), max(1, round(height))


def _middle(size: Size, shared: Size) -> tuple[int, int, int, int]:
    """Left, top, width and height of the largest box of the shape of `shared` amid pixels of (width, height)."""
    scale = min(size[0] / shared[0], size[1] / shared[1])
    width, height = (min(side, max(1, round(scale * of))) for side, of in zip(size, shared, strict=True))
    return (size[0] - width) // 2, (size[1] - height) // 2, width, height


def _tell(source: FrameSource, sizes: Sequence[Size], size: Size) -> None:
    """Say that pictures of several shapes are cut, in place of what is said of inputs that have one camera."""
    of_one = (AdviceCode.INPUT_TIMES, AdviceCode.INPUT_CAMERA)
    source.advice = [row for row in source.advice if row.code not in of_one and not row.text.startswith(SEVERAL_SIZES)]
    cut = [side for side in sizes if _is_cut(side, size)]
    if cut:
        source.say(
            AdviceCode.INPUT_PIXELS,
            f"pictures are of several shapes: of {len(cut)} of {len(sizes)} only the middle of {size[0]}x{size[1]}, "
            "which all have, is looked at; give pictures of one shape to see all of them",
        )


def _is_cut(size: Size, shared: Size) -> bool:
    return abs(size[0] * shared[1] / (size[1] * shared[0]) - 1) > MAX_ASPECT_CHANGE


def _straightened(picture: Picture, lens: CameraModel, k: Float64) -> Picture:
    """As the pinhole K [3,3] sees it; what lies outside the lens's picture is black and masked."""
    maps = straight_maps(lens, k, size_of(picture.image))
    mask = maps.valid if picture.mask is None else maps.valid & straight_mask(picture.mask, maps)
    return Picture(straight_image(picture.image, maps), None if mask.all() else mask)
