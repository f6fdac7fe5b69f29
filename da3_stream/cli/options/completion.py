"""What the shell completes beside commands and options: names that the package knows."""

from __future__ import annotations

from collections.abc import Iterable


def presets(incomplete: str) -> list[str]:
    """For --config."""
    from ...settings.presets import preset_names

    return _beginning(preset_names(), incomplete)


def models(incomplete: str) -> list[str]:
    """For --model: those that a run can take."""
    return _beginning(["auto", "sfm", *(name for name, poses in _weights() if poses)], incomplete)


def weights(incomplete: str) -> list[str]:
    """For `weights fetch`, `weights verify` and `weights export`."""
    return _beginning([name for name, _ in _weights()], incomplete)


def formats(incomplete: str) -> list[str]:
    """For `export --format` and `run --export`."""
    from ...export.formats import FORMATS

    return _beginning(FORMATS, incomplete)


def devices(incomplete: str) -> list[str]:
    """For --device."""
    return _beginning(["auto", "cpu", "cuda", "mps"], incomplete)


def _weights() -> list[tuple[str, bool]]:
    from ...models.manifest import da3_models

    return [(name, entry.has_poses) for name, entry in da3_models().items()]


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
