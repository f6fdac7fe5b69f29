"""Which descriptor a run uses."""

from __future__ import annotations

from pathlib import Path

from ..errors import LoopsError
from ..settings import LoopsSettings
from .describing import Describer, DinoDescriber
from .vlad import VladDescriber

VOCABULARY = "vocabulary.npz"


def make_describer(settings: LoopsSettings, dino: bool, folder: Path) -> Describer | None:
    """The describer that the settings name, None for "off"; `dino` says whether the predictor gives descriptors.

    `folder` is the run's own, for what is learnt. Raises LoopsError where SALAD has no checkpoint, and ModelError for
    one that cannot be read.
    """
    if settings.descriptor == "off":
        return None
    if settings.descriptor == "salad":
        return _salad(settings.salad)
    if settings.descriptor == "dino" or (settings.descriptor == "auto" and dino):
        return DinoDescriber()
    return VladDescriber(folder / VOCABULARY)


def _salad(path: str | None) -> Describer:
    if path is None:
        raise LoopsError(
            "loops.descriptor=salad needs loops.salad, the path of dino_salad.ckpt (github.com/serizba/salad, release "
            "v1.0.0); vlad needs no download"
        )
    from .salad import SaladDescriber

    return SaladDescriber(Path(path))
