"""Decoding by OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
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


def read_page(path: Path, number: int) -> NDArray[Any] | None:
    """A page of a TIFF file as BGR in the file's own depth, its channels unchanged; None for a damaged one."""
    import cv2

    try:
        done, pages = cv2.imdecodemulti(
            np.memmap(path, np.uint8, "r"), cv2.IMREAD_UNCHANGED, range=(number, number + 1)
        )
    except (cv2.error, OSError, ValueError):
        return None
    return pages[0] if done and pages else None
