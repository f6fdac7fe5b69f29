"""run.json: what was asked for, by what it was done, how it went."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from ..machine import describe_machine, installed_versions, peak_rss_bytes
from ..predictors.scheduler import PREDICT
from ..store import LAYOUT, PoseTable, Run, Scene
from ..types import Frame, SkippedFrame, Status, WindowGeometry
from ..windows import Window
from .advice.advice_log import AdviceLog
from .advice.run_trust import RunTrust, trust_until_now
from .elapsed import elapsed
from .job import Job, identity
from .mask_log import MaskLog


@dataclass
class RunStatus:
    """What run.json tells, kept up to date window by window."""

    run: Run
    job: Job
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    interruptions: tuple[dict[str, Any], ...] = ()
    source_indices: array[int] = field(default_factory=lambda: array("q"))
    timestamps: array[float] = field(default_factory=lambda: array("d"))
    windows: Counter[str] = field(default_factory=Counter)  # by status
    keyframes: int | None = None  # frames that were mapped; None where the predictor tells of none
    left_out: Counter[str] = field(default_factory=Counter)  # frames, by why the gate left them out
    skipped: list[SkippedFrame] = field(default_factory=list)  # in order of index
    shots: list[int] = field(default_factory=list)  # source indices of frames behind a cut
    camera: dict[str, Any] = field(default_factory=dict)  # what was known of the lens when the run was gone on with
    interpolated: array[int] = field(default_factory=lambda: array("q"))  # source indices of frames left out
    advice: AdviceLog = field(default_factory=AdviceLog)
    masks: MaskLog = field(default_factory=MaskLog)
    _predicted_before: Counter[str] = field(default_factory=Counter)  # by earlier processes: CPU seconds by work

    def add(self, window: Window[Frame], geometry: WindowGeometry) -> None:
        """Count a window, and its selected frames: those that it owns, and those left out beside them."""
        owned = window.owned_frames
        beside = [entry for frame in owned for entry in frame.left_out]
        selected = sorted([*((f.index, f.timestamp) for f in owned), *((e.index, e.timestamp) for e in beside)])
        self.source_indices.extend(index for index, _ in selected)
        self.timestamps.extend(timestamp for _, timestamp in selected)
        self.shots += [frame.index for frame in owned if frame.begins_shot]
        self.windows[geometry.status.value] += 1
        if geometry.keyframes is not None:
            mapped = set(geometry.frame_indices[geometry.keyframes].tolist())
            self.keyframes = (self.keyframes or 0) + sum(frame.index in mapped for frame in owned)
        self.left_out.update(entry.reason for entry in beside)
        self.interpolated.extend(sorted(entry.index for entry in beside))
        self.masks.add(owned)
        self.advice.add([*geometry.advice, *self.masks.advice(owned)], self.source_indices)

    def add_skipped(self, skipped: Iterable[SkippedFrame]) -> list[SkippedFrame]:
        """Count skipped frames, given in order of index; returns those that were not counted before."""
        last = self.skipped[-1].index if self.skipped else -1
        new = [frame for frame in skipped if frame.index > last]
        self.skipped += new
        return new

    def state(self) -> dict[str, Any]:
        """What must survive a kill beside the frames: numbers and texts."""
        counts = {"windows": dict(self.windows), "keyframes": self.keyframes, "left_out": dict(self.left_out)}
        skipped = [astuple(frame) for frame in self.skipped]
        return {
            **counts,
            "shots": self.shots,
            "skipped": skipped,
            "camera": self._camera(),
            "advice": self.advice.state(),
            "masks": self.masks.state(),
            "started": self.started,
            "watch": self.job.watch.state(),
            "predicted": dict(self._predicted()),
        }

    def restore(self, state: dict[str, Any], selected: Sequence[tuple[int, float]], beside: Sequence[int]) -> None:
        """Go on from a state, the indices and times of the frames that windows had spoken for then, and the indices of
        those among them that had been left out."""
        self.windows, self.left_out = Counter(state["windows"]), Counter(state["left_out"])
        self.keyframes, self.shots = state["keyframes"], state["shots"]
        self.started, self.camera = state["started"], state["camera"]
        self.skipped = [SkippedFrame(*row) for row in state["skipped"]]
        self.advice.restore(state["advice"])
        self.masks.restore(state["masks"])
        self.job.watch.restore(state["watch"])
        self._predicted_before = Counter(state["predicted"])
        self.interpolated = array("q", beside)
        self.source_indices = array("q", [index for index, _ in selected])
        self.timestamps = array("d", [timestamp for _, timestamp in selected])

    def write(self, state: str, scene: Scene, poses: PoseTable | None = None, trust: RunTrust | None = None) -> None:
        """Replace run.json (see `as_json`)."""
        self.run.write_status(self.as_json(state, scene, poses, trust))

    def as_json(
        self, state: str, scene: Scene, poses: PoseTable | None = None, trust: RunTrust | None = None
    ) -> dict[str, Any]:
        """The whole of run.json; `poses` and `trust` are known at the end, and only then every frame is listed."""
        source, predictor = self.job.source, self.job.predictor
        said = [*source.advice, *self.advice.rows]
        trust = trust or trust_until_now(said, self.source_indices, self.timestamps, source.first_time)
        return {
            "state": state,
            "layout": LAYOUT,
            **self._counts(scene, poses),
            **trust.as_json(),
            "input": self._input(state),
            "model": {"name": predictor.name, "hash": predictor.hash, **predictor.facts},
            "camera": {**self._camera(), **source.camera.as_json()},
            "static_mask": self.masks.as_json(source.first_time),
            "window_size": self.job.window_size,
            "window_overlap": self.job.window_overlap,
            "settings": self.job.settings.model_dump(mode="json"),
            **self._made_with,
            "identity": identity(self.job),
            "started": self.started,
            "interruptions": self.interruptions,
            "seconds": round(self.job.watch.seconds, 3),
            **self._cpu_seconds(),
            "peak_rss_bytes": peak_rss_bytes(),
            "skipped_frames": self.skipped,
            "left_out_by_reason": dict(sorted(self.left_out.items())),
            "interpolated": index_ranges(self.source_indices, set(self.interpolated)) if state != "running" else (),
            "dropped": source.dropped,
            "has_times": source.has_times,
            "first_time_s": source.first_time,
            "fps": source.fps,
            "source_indices": self.source_indices if state != "running" else (),
            "timestamps": self.timestamps if state != "running" else (),
            "nanoseconds": self._nanoseconds() if state != "running" else (),
        }

    @cached_property
    def _made_with(self) -> dict[str, Any]:
        """Versions and machine: read once, since reading what is installed takes as long as committing a window."""
        return {"versions": installed_versions(), "machine": describe_machine()}

    def _nanoseconds(self) -> Sequence[int]:
        """The exact times of the selected frames, where the input has them for all."""
        times = [self.job.source.nanoseconds(index) for index in self.source_indices]
        return () if None in times else [time for time in times if time is not None]

    def _cpu_seconds(self) -> dict[str, dict[str, float]]:
        """CPU seconds by stage over all processes; the predictor's are among them, and stand by themselves beside."""
        watch = self.job.watch
        stages = watch.by_stage()
        predictor = Counter({PREDICT: stages.pop(PREDICT, 0.0)})
        predictor.update(self._predicted())
        of_all = {**stages, **predictor, "other": watch.other}
        return {
            name: {stage: round(seconds, 3) for stage, seconds in of.items()}
            for name, of in (("seconds_by_stage", of_all), ("seconds_in_predictor", predictor))
        }

    def _predicted(self) -> Counter[str]:
        """CPU seconds of the predictor in processes of its own, by kind of work."""
        return self._predicted_before + Counter(self.job.predictor.timings)

    def _camera(self) -> dict[str, Any]:
        """What the predictor knows of the lens; one that was not asked anything yet knows what it told before."""
        return self.job.predictor.camera or self.camera

    def _input(self, state: str) -> dict[str, Any]:
        """What was read; a list of files only at the end, since a window shall not cost more the more there are (see
        `Run.read_input_paths`)."""
        source = self.job.source
        paths = source.paths if len(source.paths) == 1 or state != "running" else ()
        files = source.files if len(source.files) == 1 or state != "running" else ()
        return {
            "name": source.name,
            "kind": source.kind,
            "paths": paths,
            "files": [
                {"path": file.path, "start_s": elapsed(file.start_s, source.first_time), "frames": file.frames}
                for file in files
            ],
            "left_out": [asdict(file) for file in source.left_out],
            "size": source.size,
            "focal_px": source.focal_px,
            "levels": source.levels,
        }

    def _counts(self, scene: Scene, poses: PoseTable | None) -> dict[str, Any]:
        segments = scene.segments() if poses is None else np.unique(poses.segment[poses.segment >= 0])
        return {
            "frames": len(self.source_indices),
            "windows": self.windows.total(),
            "windows_failed": self.windows[Status.FAILED.value],
            "windows_by_status": dict(sorted(self.windows.items())),
            "keyframes": self.keyframes,
            "segments": len(segments),
            "skipped": len(self.skipped),
            "left_out": self.left_out.total(),
            "units": scene.units,
            "scale": scene.scale,
        }


def index_ranges(selected: Iterable[int], marked: set[int]) -> list[list[int]]:
    """[first, last] of the marked ones among selected frames, where they follow each other."""
    found: list[list[int]] = []
    before = False
    for index in selected:
        if index in marked and before:
            found[-1][1] = index
        elif index in marked:
            found.append([index, index])
        before = index in marked
    return found
