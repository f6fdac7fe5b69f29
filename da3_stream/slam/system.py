"""The SLAM system: predicted windows in, a map of submaps out that is corrected as it grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..machine import release_memory
from ..predictors.scheduler import WindowPrediction
from ..stopwatch import Stopwatch
from ..store import Scene, pack_scene, unpack_scene
from ..trust import Judge, load_judge, with_view_shares
from ..types import Frame, ScaleObservation
from ..windows import Window
from .backend import Backend
from .chain import ChainUpdate, SubmapChain
from .edges import unpack_edge
from .joins import with_join
from .keyframe_windows import KeyframeWindows
from .loop_closing import LoopResult, Loops
from .scale_priors import CameraHeightPrior, MetricScalePrior
from .segments import merge_segments
from .splitting import SubmapGeometry, split
from .submaps import SubmapStore
from .update import AddedSubmap, Event, FinalUpdate, ScaleUpdate, WindowUpdate


@dataclass(eq=False)
class SlamSystem:
    """Chain, scale priors, loops and pose graph over one map of submaps (`submaps`, which holds the scene).

    With `keeps_images` the images of frames are stored beside their depth: loops, keyframe windows and exports of live
    input need them. `watch` counts the seconds of each step.
    """

    submaps: SubmapStore
    chain: SubmapChain
    heights: CameraHeightPrior
    metric: MetricScalePrior
    loops: Loops
    keyframes: KeyframeWindows
    backend: Backend
    watch: Stopwatch
    keeps_images: bool = False
    judge: Judge = field(default_factory=load_judge)

    @property
    def scene(self) -> Scene:
        """Where the submaps lie now."""
        return self.submaps.scene

    def process_window(self, prediction: WindowPrediction) -> WindowUpdate:
        """Add a window to the map, and correct the map by all that the window tells.

        In this order: judge its poses, align it on the windows before, observe its scale, store its submaps, close
        loops, optimize the pose graph.
        """
        with self.watch.stage("judging"):
            geometry = with_view_shares(prediction.geometry, prediction.window.frames)
            prediction = replace(prediction, geometry=self.judge.judge(geometry))
        window, parts = prediction.window, split(prediction.window, prediction.geometry)
        with self.watch.stage("stitching"):
            added = self.add_window(window.number, parts)
            parts = [with_join(part, join) for part, join in zip(parts, added.joins, strict=True)]
        with self.watch.stage("scale"):
            scale = self.observe_scale(added.submap_ids, parts)
        with self.watch.stage("store"):
            submaps = self._store(window, added.submap_ids, parts)
        with self.watch.stage("loops"):
            loops = self.close_loops(prediction, added.submap_ids)
        with self.watch.stage("graph"):
            corrections = self.optimize()
        edges, events = (*added.edges, *loops.edges), (*added.events, *loops.events, *corrections)
        return WindowUpdate(prediction, submaps, edges, scale, events, self.scene)

    def add_window(self, window: int, parts: Sequence[SubmapGeometry]) -> ChainUpdate:
        """Align the parts of a window on the submaps before; they are submaps of the scene then."""
        added = self.chain.add_window(self.scene, window, parts)
        self.submaps.scene = added.scene
        self.backend.add_edges(added.edges)
        return added

    def observe_scale(self, submap_ids: Sequence[int], parts: Sequence[SubmapGeometry]) -> ScaleUpdate:
        """What the parts of a window, which became these submaps, tell of their own scale."""
        return ScaleUpdate(self.heights.observe(parts), self.metric.observe(submap_ids, parts))

    def close_loops(self, prediction: WindowPrediction, submap_ids: Sequence[int]) -> LoopResult:
        """Edges from loops and keyframe windows, after a window was stored as these submaps."""
        owned = prediction.geometry.rows(slice(0, prediction.window.owned_rows.stop))
        loops = self._apply(self.loops.process(owned, submap_ids))
        keyframes = self._apply(self.keyframes.process(prediction.window.number))
        return LoopResult((*loops.edges, *keyframes.edges), (*loops.events, *keyframes.events))

    def optimize(self, *, last: bool = False) -> tuple[Event, ...]:
        """Solve the pose graphs and move the submaps; in metres, where the camera's height tells them.

        What would move little waits for later windows, but not at the `last` time.
        """
        events = self.heights.decide(self.scene)
        self.backend.set_scales(self._scale_observations())
        update = self.backend.optimize(self.scene, last=last)
        metres = self.heights.metres_per_unit(self.backend.height(update.scene))
        self.submaps.scene = update.scene if metres is None else update.scene.in_metres(metres)
        if update.summaries:
            release_memory()
        return (*events, *(Event("graph", summary) for summary in update.summaries))

    def finish(self) -> FinalUpdate:
        """Settle what waits, once no window comes any more."""
        loops = self._apply(self.loops.finish())
        with self.watch.stage("graph"):
            corrections = self.optimize(last=True)
        return FinalUpdate((*loops.events, *corrections), self.scene, tuple(self._scale_observations()))

    def close(self) -> None:
        """Release the files; again: no harm."""
        self.loops.close()

    def state(self) -> dict[str, Any]:
        """What the next window needs beside all updates until now, for `restore`."""
        return {
            "scene": pack_scene(self.scene),
            "chain": self.chain.state(),
            "backend": self.backend.state(),
            "heights": self.heights.state(),
            "loops": self.loops.state(),
        }

    def restore(self, state: dict[str, Any], increments: Iterable[dict[str, Any]]) -> None:
        """Go on from a state and what all windows until then added (see `session.checkpoint`)."""
        lines = list(increments)
        edges, heights, metric = (
            [entry for line in lines for entry in line[k]] for k in ("edges", "heights", "metric")
        )
        self.submaps.restore(unpack_scene(state["scene"]))
        self.chain.restore(state["chain"])
        self.heights.restore(state["heights"], heights)
        self.metric.restore(metric)
        self.backend.restore(state["backend"], map(unpack_edge, edges), self._scale_observations(), self.scene)
        self.loops.restore(state["loops"])

    def _store(
        self, window: Window[Frame], submap_ids: Sequence[int], parts: Sequence[SubmapGeometry]
    ) -> tuple[AddedSubmap, ...]:
        added = []
        for submap, part in zip(submap_ids, parts, strict=True):
            frames = part.frames(window, with_images=self.keeps_images)
            self.submaps.add(submap, frames)
            added.append(AddedSubmap(submap, part.geometry, frames, _metres_per_unit(self.scene, submap)))
        return tuple(added)

    def _apply(self, result: LoopResult) -> LoopResult:
        """Give loops to the pose graph, and merge the segments that they tie together."""
        merges = []
        for edge in result.edges:
            merge = merge_segments(self.scene, edge.a, edge.b, edge.a_from_b)
            if merge is not None:
                self.submaps.scene = merge.scene
                merges.append(merge.event)
        self.backend.add_edges(result.edges)
        return replace(result, events=(*merges, *result.events))

    def _scale_observations(self) -> list[ScaleObservation]:
        """What submaps tell of their scale, in their order."""
        return sorted([*self.metric.scales, *self.heights.observations()], key=lambda observation: observation.submap)


def _metres_per_unit(scene: Scene, submap: int) -> float | None:
    """Metres in one unit of a submap, None in a run without metres."""
    return scene.scale * scene.submaps[submap].world_from_window.scale if scene.units == "metres" else None
