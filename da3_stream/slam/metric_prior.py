"""What a metric model says of the scale of the nodes of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..scale import Refusal, metric_scale
from ..types import ScaleObservation
from .splitting import Part

log = logging.getLogger(__name__)


@dataclass
class MetricWord:
    """Every node's own word. Where the camera's height was given in metres, it alone counts (`heard` is False)."""

    heard: bool
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

    def add(self, nodes: Sequence[int], parts: Sequence[Part]) -> None:
        """Look at the parts of a window, placed as these nodes. A failure never ends a run."""
        if not self.heard:
            return
        for node, part in zip(nodes, parts, strict=True):
            try:
                found = metric_scale(part.geometry, node)
            except Exception as error:
                log.warning("node %d's own scale could not be judged: %s", node, error, exc_info=True)
                continue
            if not isinstance(found, Refusal):
                self.found.append(found)
