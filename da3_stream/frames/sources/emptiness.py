"""Why an input gives no frame at all."""

from __future__ import annotations

from collections.abc import Sequence

from ...settings import FramesSettings
from ...types import SkippedFrame


def why_empty(
    name: str, settings: FramesSettings, skipped: Sequence[SkippedFrame], span: tuple[float, float] | None
) -> str:
    """One sentence: which frames were skipped, else that there are none, or none in the range of the settings; `span`
    are the times of the first and the last one, in seconds."""
    if skipped:
        bad, count = skipped[0], len(skipped)
        which = bad.name if count == 1 else f"none of {count} could be used, the first, {bad.name}"
        return f"'{name}' has no usable frame ({which}: {bad.reason}): give a video or images that can be read"
    if span is None:
        return f"'{name}' holds no frame: give a video or images with at least one"
    return (
        f"'{name}' has no frame {_range(settings)}: its last one is at {span[1] - span[0]:.3f} s; "
        "change frames.start or frames.end"
    )


def _range(settings: FramesSettings) -> str:
    start = f"from {settings.start:g} s" if settings.start is not None else ""
    end = f"before {settings.end:g} s" if settings.end is not None else ""
    return " ".join(part for part in (start, end) if part)
