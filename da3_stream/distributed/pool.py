"""A pool of actors: work goes in, outcomes come back, and actors that end are replaced."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import EngineError
from ..predictors.engine import Recipe
from ..predictors.scheduler import PREDICT
from .cluster import Share, live_nodes
from .messages import Description, Learnt, Outcome, Request
from .seat import Seat, Work
from .starting import ActorStarter
from .turns import Turns
from .unseen import UnseenError

log = logging.getLogger(__name__)

KILLS = 2  # actors that end with a window, after which it has failed
LOSSES = 6  # of actors with their machines, after which the cluster is not to be worked with
UNKNOWN = -1  # the version of an actor's state
STARTS = 3  # in a row that fail, after which there is no actor in that place any more


class PoolClosedError(Exception):
    """Work was asked of a pool that was closed, or was under way when it was."""


class WorkKilledError(Exception):
    """Actors ended with this work, twice."""


class ActorPool:
    """Actors for the predictor of a recipe; threads call `run`, and wait there for their turn and their outcome.

    No call is tried again by Ray, which would reorder them: an actor that ends takes its work with it, which is given
    to another, alone. Raises EngineError where the actors find no room within `patience_s`.
    """

    def __init__(self, ray: Any, recipe: Recipe, share: Share, span: int, patience_s: float) -> None:
        self._ray, self._starter = ray, ActorStarter(ray, recipe, share, patience_s)
        self._changed = threading.Condition()
        self._closed, self._broken = False, ""
        self._waiting: list[Work] = []
        self.learnt = Learnt()
        self.camera: dict[str, Any] = {}
        # CPU seconds by actors that have ended, and by the own threads of all
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._seats = [Seat(number) for number in range(share.actors)]
        for seat in self._seats:
            self._starter.start(seat)
        self._turns = Turns(1, span, learns=True)
        self.description = self._describe()
        takes = min(self.description.in_flight, share.cores + 1)
        self._turns = Turns(takes, span, self.description.learns)

    @property
    def takes(self) -> int:
        """How many windows an actor works on at once."""
        return self._turns.takes

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds in all actors, by kind of work."""
        with self._changed:
            every = [self._seconds, *(seat.timings for seat in self._seats)]
            return {kind: sum(part.get(kind, 0.0) for part in every) for kind in sorted(set().union(*every))}

    def restore(self, state: Any) -> None:
        """Go on from a state of the predictor."""
        with self._changed:
            self.learnt = Learnt(self.learnt.version + 1, state)
            self._turns.version = self.learnt.version

    def run(self, number: int | None, request: Request, chunks: Sequence[Any]) -> Outcome:
        """The outcome of a request, made when it is its turn.

        Raises WorkKilledError where it has ended two actors, EngineError where the cluster cannot be worked with.
        """
        work = Work(number)
        while work.kills < KILLS:
            outcome = self._attempt(work, request, chunks)
            if outcome is not None:
                return outcome
        self._count_window(work)
        raise WorkKilledError(f"the process that predicted it ended {KILLS} times")

    def _attempt(self, work: Work, request: Request, chunks: Sequence[Any]) -> Outcome | None:
        """The outcome of a request; None where its actor was lost."""
        seat = self._wait_for_turn(work)
        handle = seat.handle
        errors = self._ray.exceptions
        try:
            if not self._has_started(seat):
                return None
            asked = self._complete(request, seat, work)
            outcome: Outcome = self._ray.get(handle.predict.remote(asked, *chunks))
            self._take_over(seat, outcome, asked.learns)
            self._count_window(work)
            return outcome
        except errors.RayActorError as error:
            self._lose(seat, handle, work, error)
        except (errors.ObjectLostError, errors.NodeDiedError) as error:  # the outcome went with the machine
            seat.version = UNKNOWN  # what came with the request may not have been taken
            self._blame_machine(work, error)
        except errors.RayTaskError as error:
            if not isinstance(error.cause, UnseenError):  # which comes when the state was taken
                seat.version = UNKNOWN
            raise error.cause from None
        except (errors.ObjectStoreFullError, errors.OutOfDiskError):
            seat.version = UNKNOWN
            raise
        except errors.RayError as error:
            raise EngineError(f"Ray failed: {' '.join(str(error).split())}") from error
        finally:
            self._give_back(seat, work)
        return None

    def close(self) -> None:
        """End the actors with all that they work on; again: no harm."""
        with self._changed:
            first, self._closed = not self._closed, True
            self._changed.notify_all()
        if not first:
            return
        self._starter.end(self._seats)

    def _describe(self) -> Description:
        """What the first actor tells that has made its predictor, once all have found room."""
        try:
            self._starter.wait_until_placed(self._seats)
            for seat in self._seats:
                while not seat.gone:
                    told = seat.loading
                    if self._has_started(seat):
                        description: Description = self._ray.get(told)
                        return description
            raise EngineError(self._broken)
        except self._ray.exceptions.RayTaskError as error:
            self.close()
            raise error.cause from None
        except EngineError:
            self.close()
            raise

    def _wait_for_turn(self, work: Work) -> Seat:
        with self._changed:
            self._waiting.append(work)
            self._assign()
            self._changed.wait_for(lambda: self._closed or self._broken or work.seat is not None)
            self._check()
            assert work.seat is not None
            return work.seat

    def _check(self) -> None:
        """Raises what there is to tell where the pool works no more."""
        if self._closed:
            raise PoolClosedError("the actors were ended")
        if self._broken:
            raise EngineError(self._broken)

    def _assign(self) -> None:
        self._turns.assign(self._waiting, self._seats)
        self._changed.notify_all()

    def _has_started(self, seat: Seat) -> bool:
        """Whether the predictor of the actor is made, after waiting for that; False where the actor is lost."""
        handle, placed, loading = seat.handle, seat.placed, seat.loading  # another thread may see to it meanwhile
        if loading is None:
            return True
        try:
            seat.node = self._starter.wait_until_started(placed, loading)
        except self._ray.exceptions.RayActorError as error:
            self._lose_start(seat, handle, error)
            return False
        with self._changed:
            seat.loading, seat.failed_starts = None, 0
            self._assign()
        return True

    def _lose_start(self, seat: Seat, handle: Any, error: Exception) -> None:
        """An actor ended before it could do anything: another is started, but not for ever."""
        with self._changed:
            self._check()
            log.warning("actor %d could not be started: %s", seat.number, _first_line(error))
            seat.failed_starts += 1
            seat.gone = seat.failed_starts >= STARTS
            self._starter.kill(handle)
            if not seat.gone:
                self._starter.start(seat)
            elif all(other.gone for other in self._seats):
                self._broken = f"no actor is left, and none can be started ({_first_line(error)})"
            self._assign()

    def _complete(self, request: Request, seat: Seat, work: Work) -> Request:
        """The request with the state that it is to be made with."""
        with self._changed:
            learns = self._turns.learns and work.number is not None
            known = seat.version == self.learnt.version or self.learnt.state is None  # there is none yet, or ever
            learnt = None if known else self.learnt
            seat.version = self.learnt.version
            wants = learns or (work.number is not None and self.learnt.state is None)
            return replace(request, learns=learns, wants_state=wants, version=seat.version, learnt=learnt)

    def _take_over(self, seat: Seat, outcome: Outcome, learns: bool) -> None:
        """What an outcome tells beside the geometry."""
        with self._changed:
            if learns:
                self.learnt = Learnt(self.learnt.version + 1, outcome.state)
                seat.version = self._turns.version = self.learnt.version
                self._turns.learns = outcome.learns
            elif self.learnt.state is None:  # of a predictor that has nothing to learn, but a state
                self.learnt = Learnt(self.learnt.version, outcome.state)
            if learns or not self.camera:
                self.camera = dict(outcome.camera)
            for kind, seconds in outcome.timings.items():
                seat.timings[kind] = max(seat.timings.get(kind, 0.0), seconds)
            self._seconds[PREDICT] += outcome.seconds
        for name, level, text in outcome.log:
            logging.getLogger(name).log(level, "%s", text)

    def _count_window(self, work: Work) -> None:
        with self._changed:
            if work.number is not None:
                self._turns.next_window = max(self._turns.next_window, work.number + 1)

    def _give_back(self, seat: Seat, work: Work) -> None:
        with self._changed:
            seat.works.remove(work)
            work.seat = None
            self._assign()

    def _lose(self, seat: Seat, handle: Any, work: Work, error: Exception) -> None:
        """An actor ended, or cannot be reached: another takes its place, and the work waits for its turn again."""
        with self._changed:
            self._check()
            died = isinstance(error, self._ray.exceptions.ActorDiedError)
            if died and seat.node in {node["NodeID"] for node in live_nodes(self._ray)}:
                work.kills += 1
                log.warning("an actor ended while it predicted%s: %s", _told(work), _first_line(error))
            else:
                self._blame_machine(work, error)
            if seat.handle is handle:  # nobody else has seen to it
                self._starter.kill(handle)
                for kind, seconds in seat.timings.items():
                    self._seconds[kind] += seconds
                seat.timings = {}
                self._starter.start(seat)

    def _blame_machine(self, work: Work, error: Exception) -> None:
        work.losses += 1
        log.warning("an actor was lost%s: %s", _told(work), _first_line(error))
        if work.losses >= LOSSES:
            raise EngineError(f"actors were lost {LOSSES} times in a row: {_first_line(error)}") from error


def _told(work: Work) -> str:
    return " at a loop check" if work.number is None else f" with window {work.number} of this process"


def _first_line(error: Exception) -> str:
    """What Ray says of an end, without names and numbers."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return lines[-1].partition("Some common causes")[0].strip()[:300] if lines else type(error).__name__
