"""Where a run's predictor computes: in this process, or where an engine of another room has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from ..types import Frame, Predictor
from .adapter import PredictorAdapter


class Recipe(Protocol):
    """How a predictor is made; `is_given` says that somebody else has it, and closes it."""

    @property
    def is_given(self) -> bool:
        """Whether `make` gives what somebody else owns."""
        ...

    @property
    def wants_gpu(self) -> bool:
        """Whether it computes on a GPU where there is one."""
        ...

    def make(self) -> Predictor:
        """The predictor."""
        ...

    def with_share(self, cores: int) -> Recipe:
        """The same for a process that has so many cores, and sees one GPU at most."""
        ...


@dataclass(frozen=True, eq=False)
class GivenRecipe:
    """A predictor that the user made."""

    predictor: Predictor
    wants_gpu: bool = False
    is_given = True

    def make(self) -> Predictor:
        """The predictor itself."""
        return self.predictor

    def with_share(self, cores: int) -> GivenRecipe:
        """The same: how many cores it takes is the user's business."""
        return self


class FramesByIndex(Protocol):
    """Frames that are read in any order."""

    def frames_at(self, indices: Iterable[int]) -> Iterator[Frame]:
        """The frames with these indices, ascending, without those that cannot be decoded. Raises Da3StreamError."""
        ...


class SharedFrames(Protocol):
    """What opens a run's input again in another process; it can be pickled, and is compared by what it opens."""

    def open(self) -> FramesByIndex:
        """The same frames. Raises Da3StreamError where that process does not see them."""
        ...


class Engine(Protocol):
    """Gives a run its predictor, from a recipe. The files of a run do not depend on it."""

    def open(
        self, recipe: Recipe, shared: Callable[[], SharedFrames] | None = None
    ) -> AbstractContextManager[Predictor]:
        """The predictor, for as long as the block lasts. `shared` tells where other processes find the run's frames, or
        raises Da3StreamError where they cannot. Raises Da3StreamError where the predictor cannot be had."""
        ...


class LocalEngine:
    """Predictions in this process; one that was given is left open."""

    @contextmanager
    def open(self, recipe: Recipe, shared: Callable[[], SharedFrames] | None = None) -> Iterator[Predictor]:
        """See `Engine`."""
        predictor = recipe.make()
        try:
            yield predictor
        finally:
            if not recipe.is_given:
                PredictorAdapter(predictor).close()
