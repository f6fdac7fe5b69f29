"""What a metric model says of the scale of the submaps of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..scale import Refusal, metric_scale
from ..types import ScaleObservation
from .splitting import SubmapGeometry

log = logging.getLogger(__name__)


@dataclass
class MetricScalePrior:
    """Every node's own word. Where the camera's height was given in metres, it alone counts (`heard` is False)."""

    enabled: bool
    found: list[ScaleObservation] = field(default_factory=list)
    _told: int = 0  # of those found, that `news` gave

    def news(self) -> list[dict[str, Any]]:
        """What was found since this was last asked, for `restore`."""
        fresh, self._told = self.found[self._told :], len(self.found)
        return [asdict(one) for one in fresh]

    def restore(self, news: Iterable[dict[str, Any]]) -> None:
        """Go on from all news until then."""
        self.found = [ScaleObservation(**one) for one in news]
        self._told = len(self.found)

    def add(self, submaps: Sequence[int], parts: Sequence[SubmapGeometry]) -> None:
        """Look at the parts of a window, placed as these submaps. A failure never ends a run."""
        if not self.enabled:
            return
        for submap, part in zip(submaps, parts, strict=True):
            try:
                found = metric_scale(part.geometry, submap)
            except Exception as error:
                log.warning("node %d's own scale could not be judged: %s", submap, error, exc_info=True)
                continue
            if not isinstance(found, Refusal):
                self.found.append(found)
