"""Every number that a user can turn: one class per stage of a run (`stages`); YAML in and out (`presets`)."""

from .camera import CameraSettings, Intrinsics
from .presets import assign, base_yaml, load_settings, preset_names, read_preset, to_yaml
from .stages import (
    CloudSettings,
    FramesSettings,
    LoopsSettings,
    ModelSettings,
    ScaleSettings,
    Settings,
    SplatsSettings,
    WindowsSettings,
)

__all__ = [
    "CameraSettings",
    "CloudSettings",
    "FramesSettings",
    "Intrinsics",
    "LoopsSettings",
    "ModelSettings",
    "ScaleSettings",
    "Settings",
    "SplatsSettings",
    "WindowsSettings",
    "assign",
    "base_yaml",
    "load_settings",
    "preset_names",
    "read_preset",
    "to_yaml",
]
