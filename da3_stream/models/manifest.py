"""The models that exist: names, addresses, licences, sizes (weights/manifest.yaml), and which are on this machine."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from ..errors import ModelError
from . import hub
from .hub import CONFIG, WEIGHTS

log = logging.getLogger(__name__)

FREE = "da3-base"  # the largest with a free licence that gives poses
LOCAL = f"a folder with {CONFIG} and {WEIGHTS}"


@dataclass(frozen=True)
class ManifestEntry:
    """One checkpoint of the manifest, under the names that it has there."""

    name: str
    hub_id: str
    file: str
    size: str
    parameters: str | None
    licence: str
    gives: tuple[str, ...]
    sha256: str | None

    @property
    def has_poses(self) -> bool:
        """Whether it says where frames were taken from."""
        return "poses" in self.gives

    @property
    def licence_note(self) -> str | None:
        """What must be said of a licence that is not free; None where there is nothing to say."""
        return f"{self.name} is licensed {self.licence}: no commercial use" if "NC" in self.licence else None

    def cached_folder(self) -> Path | None:
        """Where the hub's cache has the whole checkpoint of a Depth Anything 3 model; None if it has not."""
        return hub.cached_folder(self.hub_id, (CONFIG, WEIGHTS))


def read_manifest() -> list[ManifestEntry]:
    """All checkpoints, those of Depth Anything 3 from the smallest to the best."""
    text = (resources.files("da3_stream") / "weights" / "manifest.yaml").read_text()
    return [ManifestEntry(**row | {"gives": tuple(row["gives"])}) for row in yaml.safe_load(text)["models"]]


def da3_models() -> dict[str, ManifestEntry]:
    """The checkpoints of Depth Anything 3 by name, from the smallest to the best."""
    return {entry.name: entry for entry in read_manifest() if entry.name.startswith("da3")}


def find_model(name: str) -> ManifestEntry:
    """A checkpoint of Depth Anything 3. Raises ModelError for an unknown name."""
    models = da3_models()
    if name not in models:
        raise ModelError(f"there is no Depth Anything 3 model '{name}': choose one of {', '.join(models)}")
    return models[name]


def weights_text() -> str:
    """The manifest as a table for the terminal."""
    rows = [("name", "size", "licence", "gives", "here", "from")]
    for entry in read_manifest():
        here = "-" if entry.file != WEIGHTS else "no" if entry.cached_folder() is None else "yes"
        rows.append((entry.name, entry.size, entry.licence, ", ".join(entry.gives), here, entry.hub_id))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    note = f"CC-BY-NC-4.0: no commercial use. With a free licence: 'da3-stream weights fetch {FREE}'."
    return "\n".join([*lines, "", note])


def fetch(entry: ManifestEntry) -> Path:
    """The folder of a checkpoint in the hub's cache; what is missing of it is fetched and verified, see `fetch_files`.

    Raises ModelError where the hub cannot be reached or refuses, or where other bytes arrive.
    """
    known = {WEIGHTS: entry.sha256} if entry.sha256 else {}
    return entry.cached_folder() or hub.fetch_files(entry.hub_id, (CONFIG, WEIGHTS), known)


def checkpoint_folder(name: str | Path) -> Path:
    """A folder as it is; by a name of the manifest, that of the hub's cache, fetched if it is not there.

    A licence that is not free is a warning of the log. Raises ModelError for an unknown name, or where
    fetching fails.
    """
    if isinstance(name, Path) or (Path(name) / CONFIG).is_file():
        return Path(name)
    models = da3_models()
    if name not in models:
        if Path(name).is_dir():
            return Path(name)
        raise ModelError(f"there is no Depth Anything 3 model '{name}': choose one of {', '.join(models)}, or {LOCAL}")
    if models[name].licence_note:
        log.warning(models[name].licence_note)
    try:
        return fetch(models[name])
    except ModelError as error:
        again = f"'da3-stream weights fetch {name}' where there is a network"
        raise ModelError(f"{error}; or run {again}, or give {LOCAL}") from None


def weights_hash(folder: Path) -> str:
    """The sha256 of a checkpoint's weights: as the hub's cache names them, else of their bytes (about 1 s per GB)."""
    path = folder / WEIGHTS
    return hub.cached_hash(path) or hub.file_hash(path)


def verify(entry: ManifestEntry) -> str:
    """Hash the weights of a checkpoint in the cache and compare; the sha256.

    It is compared with the manifest's, or where that has none with the one under which the hub stored the file.
    Raises ModelError where the checkpoint is not there, its bytes are others or nothing tells what they should be.
    """
    name, folder = entry.name, entry.cached_folder()
    if folder is None:
        raise ModelError(f"{name} is not on this machine: 'da3-stream weights fetch {name}' fetches it")
    path = folder / WEIGHTS
    actual, expected = hub.file_hash(path), entry.sha256 or hub.cached_hash(path)
    if expected is None:
        raise ModelError(f"{path} has sha256 {actual}, but this cache keeps no hash to compare it with")
    if actual != expected:
        raise ModelError(
            f"{name} is damaged (sha256 {actual}, expected {expected}): delete {path.resolve()} and run "
            f"'da3-stream weights fetch {name}'"
        )
    return actual
