"""The door: pictures in, a run directory out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..pipeline import run
from ..progress import Listener, ignore
from ..remote_files import local_copies
from ..settings import Settings, load_settings
from ..types import CopiedInput
from .plan import PredictionPlan, plan_prediction

log = logging.getLogger(__name__)

PRESET = "predict"
Source = str | Path | Sequence[str | Path] | Iterable[NDArray[np.uint8]] | CopiedInput


def predict(
    source: Source,
    out: str | Path,
    settings: Settings | None = None,
    *,
    plan: PredictionPlan | None = None,
    overwrite: bool = False,
    with_changes: bool = False,
    progress: bool = False,
    listener: Listener = ignore,
) -> Path:
    """Look at pictures (see `frames.open_source`) in one pass of the network, or by windows where that does not fit
    into memory, and return the run directory `out`.

    `settings` are those of the preset "predict" unless they are given (`load_settings("predict", ...)`); `plan` is what
    `plan_prediction` says of the same, where that was asked before. A directory that holds anything else is left as it
    is: a prediction of the same that was cut short goes on; `overwrite` replaces a run, `with_changes` goes on with
    other settings of the map. Raises Da3StreamError with one sentence, before anything
    large is allocated where memory cannot hold one picture.
    """
    again = source if isinstance(source, (str, Path, Sequence, np.ndarray, CopiedInput)) else list(source)
    with local_copies(again, Path(out), overwrite=overwrite, shown=progress, listener=listener) as here:
        begun = None if overwrite else Path(out)
        plan = plan or plan_prediction(here, settings or load_settings(PRESET), begun)
        log.info("%s", plan)
        return run(
            here,
            out,
            plan.settings,
            model=plan.model,
            progress=progress,
            listener=listener,
            overwrite=overwrite,
            with_changes=with_changes,
        )
