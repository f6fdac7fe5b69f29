"""What a predictor may leave out, with the default for each, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import Frame, Predictor, WindowGeometry
from .masking import without_masked

DEFAULT_WINDOW, DEFAULT_OVERLAP = 60, 12  # frames


class PredictorAdapter:
    """A predictor that has every optional attribute, see `types.Predictor` for their meaning.

    Each attribute is read from the predictor whenever it is asked for: a predictor may change it as it learns.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @property
    def name(self) -> str:
        """The name that the predictor gives itself, else that of its class."""
        return str(self._optional("name", type(self._predictor).__name__))

    @property
    def hash(self) -> str | None:
        """The hash of the weights; None where there are none."""
        value: str | None = self._optional("hash", None)
        return value

    @property
    def facts(self) -> dict[str, Any]:
        """Device, type of numbers and the like, ready for JSON; empty by default."""
        return dict(self._optional("facts", {}))

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds spent by each kind of work in other processes; empty by default."""
        return dict(self._optional("timings", {}))

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens, ready for JSON; empty by default."""
        return dict(self._optional("camera", {}))

    @property
    def is_metric(self) -> bool:
        """Whether windows are in metres; no by default."""
        return bool(self._optional("is_metric", False))

    @property
    def gives_descriptors(self) -> bool:
        """Whether windows come with descriptors of their frames; no by default."""
        return bool(self._optional("gives_descriptors", False))

    @property
    def gives_gaussians(self) -> bool:
        """Whether windows come with Gaussians; no by default."""
        return bool(self._optional("gives_gaussians", False))

    @property
    def window_size(self) -> int:
        """Frames of a window where the settings leave it open."""
        return int(self._optional("window_size", DEFAULT_WINDOW))

    @property
    def window_overlap(self) -> int:
        """Frames that neighbouring windows share where the settings leave it open."""
        return int(self._optional("window_overlap", DEFAULT_OVERLAP))

    @property
    def image_side(self) -> int | None:
        """The longest side in pixels to which frames may be shrunk; None by default: as they are."""
        value: int | None = self._optional("image_side", None)
        return value

    @property
    def in_flight(self) -> int:
        """How many windows may be submitted at once; one by default."""
        return max(1, int(self._optional("in_flight", 1)))

    @property
    def learns(self) -> bool:
        """Whether a window may still change the geometry of later ones; by default what has a state does."""
        return bool(self._optional("learns", hasattr(self._predictor, "state")))

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of a window: the only method that every predictor has. What is masked has no depth."""
        return without_masked(self._predictor.predict(frames), frames)

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of frames out of several windows; by default as of a window."""
        return without_masked(self._optional("predict_keyframes", self._predictor.predict)(frames), frames)

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """A loop check; by default one window of both neighbourhoods."""
        frames = [*first, *second]
        pair = self._optional("predict_pair", None)
        geometry: WindowGeometry = self._predictor.predict(frames) if pair is None else pair(first, second)
        return without_masked(geometry, frames)

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window; by default nobody listens."""
        prepare = self._optional("prepare", None)
        if prepare is not None:
            prepare(frames)

    def state(self) -> Any:
        """What must survive a kill; None by default."""
        state = self._optional("state", None)
        return None if state is None else state()

    def restore(self, state: Any) -> None:
        """Go on from a state. A predictor that has one must have `restore`, too, so there is no default."""
        self._predictor.restore(state)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Free what the predictor holds; nothing by default."""
        close = self._optional("close", None)
        if close is not None:
            close()

    def _optional(self, name: str, default: Any) -> Any:
        return getattr(self._predictor, name, default)
