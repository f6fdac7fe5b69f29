"""The models that exist: names, addresses, licences, sizes (weights/manifest.yaml), and which are on this machine."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from .errors import ModelError

FILES = ("config.json", "model.safetensors")
BLOCK = 1 << 22


def read_manifest() -> list[dict[str, Any]]:
    """One dictionary per checkpoint, as the manifest has it."""
    text = (resources.files("da3_stream") / "weights" / "manifest.yaml").read_text()
    models: list[dict[str, Any]] = yaml.safe_load(text)["models"]
    return models


def model_names() -> list[str]:
    """Names of the Depth Anything 3 checkpoints, from the smallest to the best."""
    return [model["name"] for model in read_manifest() if model["name"].startswith("da3")]


def weights_text() -> str:
    """The manifest as a table for the terminal."""
    rows = [("name", "hub id", "parameters", "licence", "gives", "here")]
    for model in read_manifest():
        here = "yes" if model["name"] in model_names() and cached_folder(model["name"]) else "no"
        gives = ", ".join(model["gives"])
        rows.append((model["name"], model["hub_id"], model["parameters"], model["licence"], gives, here))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def cached_folder(name: str) -> Path | None:
    """Where the hub's cache has the whole checkpoint; None if it has not."""
    return _in_cache(_entry(name)["hub_id"])


def _in_cache(hub_id: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(hub_id, file) for file in FILES]
    return Path(found[0]).parent if all(isinstance(path, str) for path in found) else None  # type: ignore[arg-type]


def best_cached() -> tuple[str, Path] | None:
    """Name and folder of the best checkpoint with poses on this machine."""
    for model in reversed(read_manifest()):
        folder = _in_cache(model["hub_id"]) if "poses" in model["gives"] else None
        if folder is not None:
            return model["name"], folder
    return None


def fetch(name: str) -> Path:
    """Bring a checkpoint into the hub's cache, going on where an earlier attempt stopped; its folder.

    Raises ModelError for an unknown name, or where the hub cannot be reached or refuses.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    hub_id = _entry(name)["hub_id"]
    try:
        paths = [hf_hub_download(hub_id, file) for file in FILES]
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{hub_id} could not be fetched: {reason}") from error
    return Path(paths[0]).parent


def licence_note(name: str) -> str | None:
    """What must be said of a licence that is not free; None where there is nothing to say."""
    licence = _entry(name)["licence"]
    return f"{name} is licensed {licence}: no commercial use" if "NC" in licence else None


def verify(name: str) -> str:
    """Hash the weights of a checkpoint in the cache and compare; the sha256.

    It is compared with the manifest's, or where that has none with the one under which the hub stored the file.
    Raises ModelError where the checkpoint is not there or its bytes are others.
    """
    folder = cached_folder(name)
    if folder is None:
        raise ModelError(f"{name} is not on this machine: 'da3-stream weights fetch {name}' fetches it")
    path = folder / FILES[1]
    found, expected = _sha256(path), _entry(name)["sha256"] or path.resolve().name
    if found != expected:
        raise ModelError(f"{path} has sha256 {found}, expected {expected}: delete it and fetch it again")
    return found


def _entry(name: str) -> dict[str, Any]:
    models = {model["name"]: model for model in read_manifest() if model["name"].startswith("da3")}
    if name not in models:
        raise ModelError(f"there is no Depth Anything 3 model '{name}': choose one of {', '.join(models)}")
    return models[name]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
