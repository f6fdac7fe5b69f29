"""Pictures of a run directory, embedded: the report is one file."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import numpy as np

from ...errors import StoreError
from .html import escape, figure, section
from .subject import Subject

_MOST_BYTES = 1_500_000  # of a picture as it is; larger ones are made JPEG


def overview(subject: Subject) -> str:
    """overview.png; empty where the run made none, or where it would show one dot."""
    if not subject.shows_something:
        return ""
    return section("picture", "Picture", embedded(subject.reader.path / "overview.png", "cloud and path from above"))


def static_mask(subject: Subject) -> str:
    """What goes with the camera, over a frame; empty where nothing does."""
    picture = embedded(subject.reader.path / "static_mask.png", "what goes with the camera, over a frame")
    share = (subject.facts.get("static_mask") or {}).get("share")
    told = "" if share is None else f": {figure('static_mask.share', share, f'{share:.2%}')} of the picture"
    said = f"<p>Red goes with the camera, and was left out{told}.</p>"
    return section("mask", "Static mask", said + picture if picture else "")


def embedded(path: Path, text: str) -> str:
    """An <img> that holds the file itself; empty where there is none."""
    if not path.exists():
        return ""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    kind = "png"
    if len(data) > _MOST_BYTES:
        kind, data = "jpeg", _as_jpeg(data)
    if not data:
        return f"<p>{escape(path.name)} is damaged.</p>"
    return f'<img alt="{escape(text)}" src="data:image/{kind};base64,{b64encode(data).decode("ascii")}">'


def _as_jpeg(data: bytes) -> bytes:
    """A smaller file of the same picture; empty where it is none."""
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return b""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
