"""Forecasts, made in a process of its own: a video that crashes its decoder ends no batch."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Protocol

from ..errors import Da3StreamError
from .child import Child, Event
from .forecast import Forecast, read_forecast
from .videos import Video

PATIENCE_S = 120.0  # for one video
SERVE = "from da3_stream.batch.prober import serve; serve()"
# Of a run whose input could not be looked at: as a window of 640x360 takes.
USUAL = Forecast(None, 400_000_000, 2_200_000_000, 160_000_000)


class Forecaster(Protocol):
    """Who tells what a video will take."""

    @property
    def is_free(self) -> bool:
        """Whether nothing is asked at the moment."""
        ...

    def ask(self, video: Video) -> None:
        """Begin to look at a video's input."""
        ...

    def answer(self) -> Forecast | str | None:
        """The forecast, or the sentence that says why the input cannot be run; None while it is not there yet."""
        ...

    def close(self) -> None:
        """Nothing more is asked."""
        ...


class Prober:
    """Asks for one forecast after the other; a process that dies or hangs is replaced."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._asked = 0.0
        self._video: Video | None = None

    @property
    def is_free(self) -> bool:
        """As `Forecaster`."""
        return self._video is None

    def ask(self, video: Video) -> None:
        """As `Forecaster`."""
        self._video, self._asked = video, time.monotonic()
        if self._child is None:
            self._child = Child(SERVE, tells_on_stderr=False)
        with suppress(OSError):  # it has died, which `answer` sees
            self._child.ask({"inputs": video.inputs, "settings": video.settings.model_dump(mode="json")})

    def answer(self) -> Forecast | str | None:
        """As `Forecaster`."""
        if self._child is None or self._video is None:
            return None
        for event in self._child.news():
            self._video = None
            return _read(event)
        if self._child.status() is None and time.monotonic() < self._asked + PATIENCE_S:
            return None
        self.close()
        self._video = None
        return USUAL

    def close(self) -> None:
        """End its process."""
        if self._child is not None:
            self._child.close()
            self._child = None


def _read(event: Event) -> Forecast | str:
    if "error" in event:
        return str(event["error"])
    return Forecast(**event["forecast"]) if "forecast" in event else USUAL


def serve() -> None:
    """The process's own loop: a line with inputs and settings in, one with a forecast out."""
    for line in sys.stdin:
        question = json.loads(line)
        sys.stdout.write(f"{json.dumps(_answer(question))}\n")
        sys.stdout.flush()


def _answer(question: Event) -> Event:
    try:
        return {"forecast": read_forecast(question["inputs"], question["settings"]).as_json()}
    except Da3StreamError as error:
        return {"error": str(error)}
    except Exception:  # a bug: the run itself will tell it, with a traceback in its log
        return {}
