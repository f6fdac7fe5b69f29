"""Which descriptor a run uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import LoopsError
from ..settings import LoopsSettings
from .descriptor import DescriptorExtractor, DinoDescriber
from .vlad import VladDescriber

VOCABULARY = "vocabulary.npz"

MakeExtractor = Callable[[Path], DescriptorExtractor]  # from the run's own folder for what is learnt


def choose_extractor(settings: LoopsSettings, dino: bool) -> MakeExtractor | None:
    """The describer that the settings name, None for "off"; `dino` says whether the predictor gives descriptors.

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
        describer = _salad(settings.salad)
        return lambda folder: describer
    if dino and wanted in ("dino", "auto"):
        return lambda folder: DinoDescriber()
    return lambda folder: VladDescriber(folder / VOCABULARY)


def _salad(path: str | None) -> DescriptorExtractor:
    if path is None or not Path(path).is_file():
        raise LoopsError(
            f"loops.descriptor=salad needs the checkpoint dino_salad.ckpt (github.com/serizba/salad, release v1.0.0), "
            f"and loops.salad is {path}: give its path, or choose vlad, which needs none"
        )
    from .salad import SaladDescriber

    return SaladDescriber(Path(path))
