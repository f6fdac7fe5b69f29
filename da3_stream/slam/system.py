"""Where everything lies by all that a run knows: chain, revisited places, what windows say of their scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..machine import give_back_memory
from ..predictors.scheduler import SerializedPredictor
from ..session.job import Job
from ..store import Run, Scene, SubmapFrames
from ..types import ScaleObservation, WindowGeometry
from ..windows import longest_overlap
from .backend import Backend
from .chain import SubmapChain
from .keyframe_windows import KeyframeWindows
from .loop_closing import LoopResult, Loops, make_loops
from .metric_prior import MetricScalePrior
from .scale_priors import CameraHeightPrior
from .splitting import SubmapGeometry
from .submaps import SubmapStore
from .update import Event


@dataclass(eq=False)
class SlamSystem:
    """The scene as it grows and is corrected."""

    placement: SubmapChain
    heights: CameraHeightPrior
    metric: MetricScalePrior
    submaps: SubmapStore
    loops: Loops
    keys: KeyframeWindows
    is_live: bool = False
    graphs: Backend = field(default_factory=Backend)

    @staticmethod
    def of(run: Run, job: Job, asked: SerializedPredictor) -> SlamSystem:
        """An empty one, as the settings want it; `asked` is the job's predictor."""
        known = SubmapStore(run, job.scene, job.predictor.is_metric)
        wanted = job.settings.scale.camera_height
        metric = MetricScalePrior(enabled=not isinstance(wanted, float))
        loops = make_loops(run, known, asked, job.describer, job.settings.loops)
        placement = SubmapChain(job.scene, longest_overlap(job.window_size, job.window_overlap))
        keys = KeyframeWindows(job.settings.windows.key_every, job.window_size, known, asked)
        return SlamSystem(
            placement, CameraHeightPrior(wanted), metric, known, loops, keys, is_live=job.source.feed is not None
        )

    @property
    def scene(self) -> Scene:
        """Where the submaps lie now."""
        return self.placement.scene

    def add_window(self, window: int, parts: Sequence[SubmapGeometry]) -> list[int]:
        """Chain a window's parts to those before; their submaps."""
        submaps = self.placement.add_window(window, parts)
        self.graphs.add_edges(self.placement.take_edges())
        return submaps

    def observe_scale(self, submaps: Sequence[int], parts: Sequence[SubmapGeometry]) -> None:
        """What the parts say of their own scale."""
        self.heights.add(parts)
        self.metric.add(submaps, parts)

    def remember(self, submap: int, part: SubmapFrames) -> None:
        """A submap was stored, and can be looked at again."""
        self.submaps.add(submap, part)

    def close_loops(self, window: WindowGeometry, submaps: Sequence[int]) -> None:
        """Look for places that a window, as far as it owns frames, saw before, and at key frames where that is due."""
        self.submaps.scene = self.scene
        self._take(self.loops.process(window, submaps))
        self._take(self.keys.process(self.scene.submaps[submaps[-1]].window))

    def close(self) -> None:
        """No window comes any more."""
        self._take(self.loops.close())

    def optimize(self, *, last: bool = False) -> Scene:
        """Move the submaps to where all that is known says they are; metres, where the camera's height gives them. What
        would move little may wait, but not at the `last` time."""
        events = self.heights.judge(self.scene)
        self.graphs.set_scales(self._scales())
        correction = self.graphs.optimize(self.scene, last=last)
        metres = self.heights.metres_per_unit(self.graphs.height(correction.scene))
        scene = correction.scene
        self.placement.scene = scene if metres is None else scene.in_metres(metres)
        self.submaps.scene = self.scene
        self.placement.events += [*events, *(Event("graph", facts) for facts in correction.facts)]
        if correction.facts:
            give_back_memory()
        return self.scene

    def news(self) -> dict[str, Any]:
        """What was learnt since this was last asked, for `restore`."""
        return {"edges": self.graphs.news(), "heights": self.heights.news(), "metric": self.metric.news()}

    def state(self) -> dict[str, Any]:
        """What the next window needs beside all news, for `restore`."""
        return {
            "placement": self.placement.state(),
            "graphs": self.graphs.state(),
            "heights": self.heights.state(),
            "loops": self.loops.state(),
        }

    def restore(self, state: dict[str, Any], news: Sequence[dict[str, Any]]) -> None:
        """Go on from a state and all news until then."""
        edges, heights, metric = ([one for line in news for one in line[k]] for k in ("edges", "heights", "metric"))
        self.placement.restore(state["placement"])
        self.heights.restore(state["heights"], heights)
        self.metric.restore(metric)
        self.graphs.restore(state["graphs"], edges, self._scales(), self.scene)
        self.loops.restore(state["loops"])
        self.submaps.restore(self.scene)

    @property
    def keeps_pictures(self) -> bool:
        """Whether frames will be looked at again: by the run, or, where nobody can read them again, by an export."""
        return self.is_live or self.loops.keeps_pictures or self.keys.every > 0

    def take_events(self) -> list[Event]:
        """What happened since this was last asked."""
        return self.placement.take_events()

    def _scales(self) -> list[ScaleObservation]:
        """What submaps say of their scale, in their order."""
        return sorted([*self.metric.found, *self.heights.observations()], key=lambda one: one.submap)

    def _take(self, found: LoopResult) -> None:
        for edge in found.edges:
            self.placement.merge_segments(edge.a, edge.b, edge.a_from_b)
        self.graphs.add_edges(found.edges)
        self.placement.events += found.events
