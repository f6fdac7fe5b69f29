"""Which descriptor a run uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import LoopsError
from ..settings import LoopsSettings
from .descriptor import DescriptorExtractor, DinoExtractor
from .vlad import VladExtractor

VOCABULARY = "vocabulary.npz"

MakeExtractor = Callable[[Path], DescriptorExtractor]  # takes the run's folder, where a vocabulary is kept


def choose_extractor(settings: LoopsSettings, dino: bool) -> MakeExtractor | None:
    """What makes the extractor that the settings name, None for "off"; `dino`: the predictor gives descriptors.

    Raises LoopsError where they name one that cannot be had, and ModelError for a checkpoint that cannot be read.
    """
    wanted = settings.descriptor
    if wanted == "off":
        return None
    if wanted == "dino" and not dino:
        raise LoopsError(
            "loops.descriptor=dino needs a DA3 model, this predictor gives no descriptors: choose auto, vlad or off"
        )
    if wanted == "salad":
        extractor = _salad(settings.salad)
        return lambda folder: extractor
    if dino and wanted in ("dino", "auto"):
        return lambda folder: DinoExtractor()
    return lambda folder: VladExtractor(folder / VOCABULARY)


def _salad(path: str | None) -> DescriptorExtractor:
    if path is None or not Path(path).is_file():
        raise LoopsError(
            f"loops.descriptor=salad needs the checkpoint dino_salad.ckpt (github.com/serizba/salad, release v1.0.0), "
            f"and loops.salad is {path}: give its path, or choose vlad, which needs none"
        )
    from .salad import SaladExtractor

    return SaladExtractor(Path(path))
