"""Decoding by OpenCV."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ....types import UInt8


def imdecode(data: UInt8, unchanged: bool) -> NDArray[Any] | None:
    """The bytes of an image file as BGR in the file's own depth, turned upright; or its channels unchanged, and turned
    only if the file is TIFF. None for a file that is damaged or cut off."""
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED if unchanged else cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    except cv2.error:  # such as more pixels than OpenCV allows
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
