"""run.json: what was asked for, by what it was done, how it went."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..machine import machine, peak_rss_bytes, versions
from ..store import PoseTable, Run, Scene
from ..types import Float64, Frame, Status, WindowGeometry
from ..windows import Window
from .job import Job, facts, identity, predictor_name
from .stopwatch import Stopwatch


@dataclass
class Record:
    """What run.json tells, kept up to date window by window."""

    run: Run
    job: Job
    watch: Stopwatch = field(default_factory=Stopwatch)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    interruptions: tuple[dict[str, Any], ...] = ()
    source_indices: array[int] = field(default_factory=lambda: array("q"))
    timestamps: array[float] = field(default_factory=lambda: array("d"))
    windows: Counter[str] = field(default_factory=Counter)  # by status

    def add(self, window: Window[Frame], geometry: WindowGeometry) -> None:
        """Count a window and the frames that it owns."""
        owned = [window.frames[row] for row in window.owned_rows]
        self.source_indices.extend(frame.index for frame in owned)
        self.timestamps.extend(frame.timestamp for frame in owned)
        self.windows[geometry.status.value] += 1

    def state(self) -> dict[str, Any]:
        """What must survive a kill beside the frames: numbers and texts."""
        return {"windows": dict(self.windows), "started": self.started, "watch": self.watch.state()}

    def restore(self, state: dict[str, Any], indices: NDArray[np.int64], timestamps: Float64) -> None:
        """Go on from a state and the frames that were owned then."""
        self.windows, self.started = Counter(state["windows"]), state["started"]
        self.watch.restore(state["watch"])
        self.source_indices, self.timestamps = array("q", indices.tolist()), array("d", timestamps.tolist())

    def write(self, state: str, scene: Scene, poses: PoseTable | None = None) -> dict[str, Any]:
        """Replace run.json; returns what it now holds."""
        status = self.status(state, scene, poses)
        self.run.write_status(status)
        return status

    def status(self, state: str, scene: Scene, poses: PoseTable | None = None) -> dict[str, Any]:
        """The whole of run.json; `poses` are known at the end, and only then every frame is listed."""
        source, predictor = self.job.source, self.job.predictor
        return {
            "state": state,
            **self._counts(scene, poses),
            "input": {"name": source.name, "kind": source.kind, "size": source.size, "focal_px": source.focal_px},
            "model": {"name": predictor_name(predictor), "hash": getattr(predictor, "hash", None), **facts(predictor)},
            "camera": getattr(predictor, "camera", {}),
            "window_size": self.job.window_size,
            "window_overlap": self.job.window_overlap,
            "settings": self.job.settings.model_dump(mode="json"),
            "versions": versions(),
            "machine": machine(),
            "identity": identity(self.job),
            "started": self.started,
            "interruptions": self.interruptions,
            "seconds": round(self.watch.seconds, 3),
            "seconds_by_stage": self.watch.by_stage(),
            "seconds_in_predictor": {k: round(v, 3) for k, v in getattr(predictor, "timings", {}).items()},
            "peak_rss_bytes": peak_rss_bytes(),
            "skipped_frames": list(source.skipped),
            "has_times": source.has_times,
            "fps": source.fps,
            "source_indices": self.source_indices if state != "running" else (),
            "timestamps": self.timestamps if state != "running" else (),
        }

    def _counts(self, scene: Scene, poses: PoseTable | None) -> dict[str, Any]:
        segments = scene.segments() if poses is None else np.unique(poses.segment[poses.segment >= 0])
        return {
            "frames": len(self.source_indices),
            "windows": self.windows.total(),
            "windows_failed": self.windows[Status.FAILED.value],
            "windows_by_status": dict(sorted(self.windows.items())),
            "segments": len(segments),
            "skipped": len(self.job.source.skipped),
            "units": scene.units,
            "scale": scene.scale,
        }
