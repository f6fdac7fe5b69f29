"""Settings from YAML and back: presets by name, files, `stage.key=value` texts.

Presets live in `configs/` (shipped inside the package); `configs/base.yaml` is generated from the defaults in code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from ..errors import SettingsError
from .quality import without_quality
from .stages import Settings


def load_settings(
    preset: str | None = None, assignments: Sequence[str] = (), options: Mapping[str, object] | None = None
) -> Settings:
    """Settings from a preset (a name or a YAML file), `stage.key=value` texts and values by `stage.key`.

    Later ones win; options that are None leave things as they are. A quality that texts or options ask for wins over
    the preset, and they over the quality. Raises SettingsError with one sentence.
    """
    given: dict[str, Any] = {}
    for assignment in assignments:
        assign(given, assignment)
    for name, value in (options or {}).items():
        stage, _, key = name.partition(".")
        if value is not None:
            given.setdefault(stage, {})[key] = value
    tree = read_preset(preset) if preset is not None else {}
    if "quality" in given.get("model", {}):
        tree = without_quality(tree)
    for stage, values in given.items():
        tree[stage] = {**tree.get(stage, {}), **values}
    return Settings.build(tree)


def preset_names() -> list[str]:
    """The presets that come with the package."""
    folder = resources.files("da3_stream") / "configs"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_preset(name_or_file: str) -> dict[str, Any]:
    """The nested dictionary of a preset by name or of a YAML file by path."""
    if name_or_file in preset_names():
        text = (resources.files("da3_stream") / "configs" / f"{name_or_file}.yaml").read_text()
    else:
        text = _read_file(name_or_file)
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{name_or_file} is not valid YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict) or not all(isinstance(v, dict) for v in tree.values()):
        raise SettingsError(f"{name_or_file} must hold stages with keys, such as 'windows:' with 'size: 60' under it")
    return tree


def assign(tree: dict[str, Any], assignment: str) -> None:
    """Put one `stage.key=value` into a nested dictionary; the value is read as YAML."""
    path, equals, text = assignment.partition("=")
    stage, dot, key = path.strip().partition(".")
    if not (equals and dot and stage and key):
        raise SettingsError(f"--set takes stage.key=value, such as windows.size=60, not '{assignment}'")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise SettingsError(f"the value in --set {assignment} is not valid YAML") from None
    tree.setdefault(stage, {})[key] = value


def to_yaml(settings: Settings) -> str:
    """All settings as YAML, readable by `load_settings`."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


def base_yaml() -> str:
    """The text of configs/base.yaml: every default with its description beside it."""
    lines = ["# Every setting with its default; generated from da3_stream/settings/stages.py (make configs)."]
    for stage, info in Settings.model_fields.items():
        model = info.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        lines.append(f"{stage}:  # {(model.__doc__ or '').splitlines()[0]}")
        for key, entry in model.model_fields.items():
            value = yaml.safe_dump(entry.default).replace("...", "").strip()
            lines.append(f"  {key}: {value}  # {entry.description}")
    return "\n".join(lines) + "\n"


def _read_file(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError):
        names = ", ".join(preset_names())
        raise SettingsError(f"'{path}' is neither a preset ({names}) nor a readable YAML file") from None
