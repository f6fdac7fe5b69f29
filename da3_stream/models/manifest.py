"""The models that exist: names, addresses, licences, sizes (weights/manifest.yaml), and which are on this machine."""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ..errors import ModelError
from . import hub
from .hub import CONFIG, WEIGHTS

log = logging.getLogger(__name__)

FREE = "da3-base"  # the largest with a free licence that gives poses
LOCAL = f"a folder with {CONFIG} and {WEIGHTS}"


def read_manifest() -> list[dict[str, Any]]:
    """One dictionary per checkpoint, as the manifest has it."""
    text = (resources.files("da3_stream") / "weights" / "manifest.yaml").read_text()
    models: list[dict[str, Any]] = yaml.safe_load(text)["models"]
    return models


def model_names(gives: str | None = None) -> list[str]:
    """Names of the Depth Anything 3 checkpoints (that give "poses", say), from the smallest to the best."""
    return [model["name"] for model in _models() if gives is None or gives in model["gives"]]


def weights_text() -> str:
    """The manifest as a table for the terminal."""
    rows = [("name", "size", "licence", "gives", "here", "from")]
    fetched = {model["name"] for model in _models() if _in_cache(model)}
    for model in read_manifest():
        here = "yes" if model["name"] in fetched else "no" if model["file"] == WEIGHTS else "-"
        rows.append((model["name"], model["size"], model["licence"], ", ".join(model["gives"]), here, model["hub_id"]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    note = f"CC-BY-NC-4.0: no commercial use. With a free licence: 'da3-stream weights fetch {FREE}'."
    return "\n".join([*lines, "", note])


def cached_folder(name: str) -> Path | None:
    """Where the hub's cache has the whole checkpoint; None if it has not."""
    return _in_cache(_entry(name))


def best_cached() -> tuple[str, Path] | None:
    """Name and folder of the best checkpoint with poses on this machine."""
    for model in reversed(_models()):
        folder = _in_cache(model) if "poses" in model["gives"] else None
        if folder is not None:
            return model["name"], folder
    return None


def fetch(name: str) -> Path:
    """The folder of a checkpoint in the hub's cache; what is missing of it is fetched and verified, see `fetch_files`.

    Raises ModelError for an unknown name, where the hub cannot be reached or refuses, or where other bytes arrive.
    """
    model = _entry(name)
    known = {WEIGHTS: model["sha256"]} if model["sha256"] else {}
    return _in_cache(model) or hub.fetch_files(model["hub_id"], (CONFIG, WEIGHTS), known)


def checkpoint_folder(name: str | Path) -> Path:
    """A folder as it is; by a name of the manifest, that of the hub's cache, fetched if it is not there.

    A licence that is not free is said (as a warning of the log). Raises ModelError for an unknown name, or where
    fetching fails.
    """
    if isinstance(name, Path) or (Path(name) / CONFIG).is_file():
        return Path(name)
    if name not in model_names():
        if Path(name).is_dir():
            return Path(name)
        raise ModelError(
            f"there is no Depth Anything 3 model '{name}': choose one of {', '.join(model_names())}, or {LOCAL}"
        )
    note = licence_note(name)
    if note:
        log.warning(note)
    try:
        return fetch(name)
    except ModelError as error:
        again = f"'da3-stream weights fetch {name}' where there is a network"
        raise ModelError(f"{error}; or run {again}, or give {LOCAL}") from None


def licence_note(name: str) -> str | None:
    """What must be said of a licence that is not free; None where there is nothing to say."""
    licence = _entry(name)["licence"]
    return f"{name} is licensed {licence}: no commercial use" if "NC" in licence else None


def weights_hash(folder: Path) -> str:
    """The sha256 of a checkpoint's weights: as the hub's cache names them, else of their bytes (about 1 s per GB)."""
    path = folder / WEIGHTS
    return hub.cached_hash(path) or hub.file_hash(path)


def verify(name: str) -> str:
    """Hash the weights of a checkpoint in the cache and compare; the sha256.

    It is compared with the manifest's, or where that has none with the one under which the hub stored the file.
    Raises ModelError where the checkpoint is not there, its bytes are others or nothing tells what they should be.
    """
    model = _entry(name)
    folder = _in_cache(model)
    if folder is None:
        raise ModelError(f"{name} is not on this machine: 'da3-stream weights fetch {name}' fetches it")
    path = folder / WEIGHTS
    found, expected = hub.file_hash(path), model["sha256"] or hub.cached_hash(path)
    if expected is None:
        raise ModelError(f"{path} has sha256 {found}, but this cache keeps no hash to compare it with")
    if found != expected:
        raise ModelError(
            f"{name} is damaged (sha256 {found}, expected {expected}): delete {path.resolve()} and run "
            f"'da3-stream weights fetch {name}'"
        )
    return found


def _models() -> list[dict[str, Any]]:
    """Those of Depth Anything 3."""
    return [model for model in read_manifest() if model["name"].startswith("da3")]


def _in_cache(model: dict[str, Any]) -> Path | None:
    return hub.cached_folder(model["hub_id"], (CONFIG, WEIGHTS))


def _entry(name: str) -> dict[str, Any]:
    models = {model["name"]: model for model in _models()}
    if name not in models:
        raise ModelError(f"there is no Depth Anything 3 model '{name}': choose one of {', '.join(models)}")
    return models[name]
