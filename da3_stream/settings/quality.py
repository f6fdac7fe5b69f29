"""What the qualities of a run stand for: settings that weigh accuracy against time, where none is set itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from .validation import Stage

Quality = Literal["fast", "balanced", "best"]
QUALITY = "model.quality"  # the setting

VALUES: dict[str, dict[Quality, Any]] = {
    "cloud.per_pixel": {"fast": 0.01, "balanced": 0.025, "best": 0.025},
    "model.flow_scale": {"fast": 2, "balanced": 1, "best": 0},
    "model.keyframe_gap": {"fast": 5, "balanced": 3, "best": 3},
    "model.keyframes": {"fast": "auto", "balanced": "auto", "best": "all"},
    "model.keypoints": {"fast": 1200, "balanced": 1500, "best": 1800},
    "model.resolution": {"fast": 392, "balanced": None, "best": None},
}


def with_quality(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of settings (by stage a dictionary, or a Stage) in which the values of its quality stand where it has none
    of its own; values that are wrong are left for validation."""
    stages = {name: _own_values(stage) for name, stage in tree.items()}
    quality = stages.get("model")
    chosen = quality.get("quality") if isinstance(quality, Mapping) else None
    for stage, key, values in _settings():
        of_stage = stages.get(stage, {})
        if isinstance(chosen, str) and chosen in values and isinstance(of_stage, Mapping):
            stages[stage] = {key: values[chosen], **of_stage}
    return stages


def without_quality(tree: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A tree of settings without those that a quality decides, to make room for another one's."""
    left = {name: dict(stage) for name, stage in tree.items()}
    for stage, key, _ in _settings():
        left.get(stage, {}).pop(key, None)
    return left


def _settings() -> Iterator[tuple[str, str, dict[Any, Any]]]:
    """Stage, key and values by quality of every setting that a quality decides."""
    for name, values in VALUES.items():
        stage, _, key = name.partition(".")
        yield stage, key, values


def _own_values(stage: object) -> object:
    return stage.model_dump(exclude_unset=True) if isinstance(stage, Stage) else stage
