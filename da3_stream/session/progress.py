"""What a person sees while a run goes on, and the log that stays in the run directory."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StoreError

if TYPE_CHECKING:
    from tqdm import tqdm

LOGGER = "da3_stream"
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


log = logging.getLogger(__name__)


def say(text: str, shown: bool) -> None:
    """A line for the log, and for people where they are `shown` how it goes."""
    from tqdm import tqdm

    log.info(text)
    if shown:
        tqdm.write(text, file=sys.stderr)


def progress_bar(total: int | None, description: str, shown: bool, done: int = 0) -> tqdm:
    """A bar over frames on stderr: frames a second and, where the total is known, the time left."""
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=done,
        desc=description,
        unit="frame",
        disable=not shown,
        dynamic_ncols=True,
        smoothing=0,  # frames come in whole windows: the mean over the run is the honest rate
        mininterval=0.2,
    )


class _LogFile(logging.FileHandler):
    """A log that a full disk leaves with gaps; that the disk is full is told by what matters more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Nothing."""


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """What the package logs from INFO on goes to a file, too. Raises StoreError if it cannot be opened."""
    logger = logging.getLogger(LOGGER)
    try:
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    handler.setLevel(logging.INFO)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logging.INFO, logger.getEffectiveLevel()))
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.close()
