"""Which model a run predicts with: as the settings say, or the best that is on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import PredictorError
from ..models.hub import CONFIG, WEIGHTS
from ..models.manifest import FREE, LOCAL, ManifestEntry, da3_models, weights_hash
from ..settings import ModelSettings

DEVICES = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
DA3_SIDE = 504  # the size that Depth Anything 3 was trained for
SFM_SIDE = 640  # pixels of the longest side that the sfm predictor works at


@dataclass(frozen=True)
class ResolvedModel:
    """What a run predicts with: a checkpoint of Depth Anything 3 in its folder, or sfm, which has none.

    `licence_note` is a sentence about a licence that is not free, `why` the reason for the choice where the settings
    left it open, and `gives_poses` whether it must: for a run it must.
    """

    name: str
    folder: Path | None = None
    licence_note: str | None = None
    why: str = ""
    gives_poses: bool = True

    @property
    def image_side(self) -> int:
        """The longest side in pixels that it works at."""
        return SFM_SIDE if self.folder is None else DA3_SIDE

    def weights_hash(self) -> str | None:
        """The sha256 of its weights (about 1 s per GB where the hub's cache does not tell it); None without any."""
        return None if self.folder is None else weights_hash(self.folder)

    def __str__(self) -> str:
        return f"{self.name} ({self.why})" if self.why else self.name


def choose_model(model: ModelSettings) -> ResolvedModel:
    """The model that a run will use, and why where that was left open; nothing is fetched.

    Raises PredictorError for an unknown name, a model without poses, weights that are not there or an impossible
    device.
    """
    _require_device(model)
    if model.name == "sfm":
        return ResolvedModel("sfm")
    models = da3_models()
    if model.name == "auto":
        return _best(models)
    if model.name in models and not (Path(model.name) / CONFIG).is_file():
        return _named(models[model.name], models)
    return _in_folder(model.name, models)


def without_gaussians(name: str) -> str:
    """What is said where a model is asked for Gaussians that gives none."""
    return (
        f"{name} gives no Gaussians: give --model da3-giant or da3nested-giant-large, or leave --gaussians out; "
        "initial splats can be exported of any run (export --format gs_ply)"
    )


def _require_device(model: ModelSettings) -> None:
    if not DEVICES.fullmatch(model.device):
        raise PredictorError(f"there is no device '{model.device}': choose auto, cpu, cuda, cuda:N or mps")


def choose_for_pictures(model: ModelSettings) -> ResolvedModel:
    """The model of Depth Anything 3 that a prediction of pictures will use, one that gives depth alone too; nothing is
    fetched.

    Raises PredictorError as `choose_model`, and where no such model is on this machine or sfm is asked for.
    """
    models = da3_models()
    if model.name in models and not models[model.name].has_poses and not (Path(model.name) / CONFIG).is_file():
        _require_device(model)
        return replace(_with_weights(models[model.name]), gives_poses=False)
    chosen = choose_model(model)
    if chosen.folder is None:
        why = "none is on this machine" if model.name == "auto" else "sfm needs a film"
        raise PredictorError(
            f"a prediction takes a model of Depth Anything 3, and {why}: 'da3-stream weights fetch {FREE}' fetches "
            "one, --model FOLDER takes a checkpoint"
        )
    return replace(chosen, gives_poses=False) if model.name not in models else chosen


def _best(models: dict[str, ManifestEntry]) -> ResolvedModel:
    """The best model with poses on this machine, else sfm."""
    for entry in reversed(models.values()):
        folder = entry.cached_folder() if entry.has_poses else None
        if folder is not None:
            why = "auto: the best Depth Anything 3 model on this machine"
            return ResolvedModel(entry.name, folder, entry.licence_note, why)
    fetch = f"'da3-stream weights fetch {FREE}' fetches one"
    return ResolvedModel("sfm", why=f"auto: no Depth Anything 3 model is on this machine; {fetch}")


def _named(entry: ManifestEntry, models: dict[str, ManifestEntry]) -> ResolvedModel:
    """A model of the manifest."""
    name = entry.name
    if not entry.has_poses:
        raise PredictorError(
            f"{name} looks at single frames and gives no poses: choose one of {', '.join(_with_poses(models))}, or sfm"
        )
    return _with_weights(entry)


def _with_weights(entry: ManifestEntry) -> ResolvedModel:
    """The model, if its weights are here."""
    name, folder = entry.name, entry.cached_folder()
    if folder is None:
        raise PredictorError(
            f"the weights of {name} are not on this machine: 'da3-stream weights fetch {name}' fetches them; "
            f"--model FOLDER takes {LOCAL}, --model sfm needs none"
        )
    return ResolvedModel(name, folder, entry.licence_note)


def _in_folder(name: str, models: dict[str, ManifestEntry]) -> ResolvedModel:
    """A checkpoint of the user's. A folder that has the name of a model is taken to hold that model."""
    folder = Path(name)
    if not folder.is_dir():
        known = ", ".join(("auto", "sfm", *_with_poses(models)))
        raise PredictorError(f"there is no model '{name}': choose one of {known}, or {LOCAL}")
    missing = [file for file in (CONFIG, WEIGHTS) if not (folder / file).is_file()]
    if missing:
        raise PredictorError(f"the folder '{name}' holds no checkpoint: {' and '.join(missing)} must be in it")
    return ResolvedModel(name, folder, models[name].licence_note if name in models else None)


def _with_poses(models: dict[str, ManifestEntry]) -> list[str]:
    return [entry.name for entry in models.values() if entry.has_poses]
