"""The queue of a batch: which video starts next, where, and what follows when its process ends."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import StoreError
from ..machine import size_text
from .how import How
from .places import Place, Share
from .prober import Forecaster
from .summary import DONE, State, Summary
from .task import EMPTY, REFUSED, Task, Work
from .telling import Telling

TICK_S = 0.1
MEASURE_S = 1.0  # between two looks at memory and disk, where nothing ended meanwhile
STOP_S = 600.0  # for runs to end in order, with their outputs


class Queue:
    """Tasks by priority, then in the order in which they were given; nothing overtakes the one that is to start next,
    but for those that it does not stand in the way of: that wait for another device."""

    def __init__(
        self,
        tasks: Sequence[Task],
        places: Callable[[], Sequence[Place]],
        summary: Summary,
        telling: Telling,
        how: How,
        prober: Forecaster,
    ) -> None:
        self._waiting = sorted(tasks, key=lambda task: -task.video.priority)
        self._running: list[Task] = []
        self._find_places, self._places = places, places()
        self._summary, self._telling = summary, telling
        self._how, self._prober = how, prober
        self._probed: Task | None = None
        self._look_at = 0.0

    def run(self) -> None:
        """Until every task has ended. Whatever ends this early, such as Ctrl-C, ends all processes, in order."""
        try:
            while self._waiting or self._running:
                self._probe()
                self._start()
                self._hear()
                self._summary.renew()
                self._telling.progress()
                time.sleep(TICK_S)
        except BaseException:
            self._stop()
            raise
        finally:
            self._prober.close()
            for task in self._running:
                if task.work is not None:
                    task.work.process.close()
            self._summary.write()

    def _probe(self) -> None:
        """Forecasts, one after the other, ahead of what starts."""
        answer = self._prober.answer()
        task = self._probed
        if task is not None and answer is not None:
            self._probed, self._look_at = None, 0.0
            if isinstance(answer, str):
                self._waiting.remove(task)
                self._finish(task, State.FAILED, answer)
            else:
                task.forecast = answer
        if self._prober.is_free:
            unknown = [task for task in self._waiting[: self._ahead()] if task.forecast is None]
            if unknown:
                self._probed = unknown[0]
                self._prober.ask(unknown[0].video)

    def _ahead(self) -> int:
        return 2 + sum(place.cores for place in self._places)

    def _start(self) -> None:
        """As many as fit, in their order."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at, self._places = now + MEASURE_S, self._find_places()
        for task in list(self._waiting):
            if task.forecast is None or len(self._running) == self._how.most_at_once:
                return
            places = [place for place in self._places if self._has_device(place, task.forecast.device)]
            if self._places and not places:
                continue  # all devices of this kind are taken
            if not self._start_one(task, places):
                return

    def _has_device(self, place: Place, device: str | None) -> bool:
        taken = [work.share.device for work in self._at(place)]
        return device is None or taken.count(device) < place.devices

    def _at(self, place: Place) -> list[Work]:
        return [task.work for task in self._running if task.work is not None and task.work.place is place]

    def _start_one(self, task: Task, places: Sequence[Place]) -> bool:
        """Whether the way is free for the next one: this one was started at one of the places, or never can be."""
        assert task.forecast is not None
        impossible = self._why_never(task)
        if impossible is not None:
            self._waiting.remove(task)
            self._finish(task, State.FAILED, impossible)
            return True
        if not self._disk_holds(task):
            return False
        for place in places:
            share = self._share(task, place)
            if share is not None:
                self._begin(task, place, share)
                return True
        if not self._running:
            spare = max((place.spare_bytes({}) for place in places), default=0.0)
            self._telling.waits(task, task.forecast.memory(1), spare)
        return False

    def _begin(self, task: Task, place: Place, share: Share) -> None:
        self._waiting.remove(task)
        try:
            process = place.start(task.words(share.workers, self._how.overwrite), share)
        except OSError as error:  # no process more, too many open files
            return self._finish(task, State.FAILED, f"its process cannot be started: {error.strerror or error}")
        self._running.append(task)
        task.begin(Work(place, process, share))
        self._telling.started(task)
        self._summary.is_old = True

    def _share(self, task: Task, place: Place) -> Share | None:
        """What a task gets at a place now; None where it must wait."""
        forecast = task.forecast
        assert forecast is not None
        free = place.cores - sum(work.share.workers for work in self._at(place))
        spare = place.spare_bytes({work.process: work.share.memory for work in self._at(place)})
        fixed = task.fixed_workers()
        if forecast.device is not None:  # a network takes all cores that it finds
            fixed = fixed or max(free, 1)
        memory = forecast.memory(fixed or 1)
        if free < min(fixed or 1, place.cores) or memory > spare:
            return None
        if fixed is not None:
            return Share(min(fixed, place.cores), memory, forecast.device)
        workers = free // max(1, min(free, self._left_for(place), int(min(spare // memory, free))))
        while forecast.memory(workers) > spare:
            workers -= 1
        return Share(workers, forecast.memory(workers))

    def _left_for(self, place: Place) -> int:
        """How many of the waiting ones this place gets, if all places get the same share by their cores."""
        cores = sum(other.cores for other in self._places)
        waiting = len(self._waiting)
        if self._how.most_at_once is not None:
            waiting = min(waiting, self._how.most_at_once - len(self._running))
        return max(1, math.ceil(waiting * place.cores / cores))

    def _why_never(self, task: Task) -> str | None:
        """A sentence about a task that can run nowhere; that other programs leave too little memory may pass."""
        assert task.forecast is not None
        memory = task.forecast.memory(1)
        most = max((place.whole_bytes() for place in self._places), default=math.inf)
        if memory > most:
            return (
                f"it may take {size_text(memory)} of memory, and {size_text(most)} are there in all: use smaller "
                "windows or pictures (--config low_vram)"
            )
        if not self._running and not self._disk_holds(task):
            return (
                f"the disk is short: it may take {size_text(task.disk_bytes())}, and "
                f"{size_text(_free(task.folder))} are free; make room, and the same command runs it"
            )
        return None

    def _disk_holds(self, task: Task) -> bool:
        """Whether the disk holds what a task and those that run may still take; what it has there counts as taken."""
        there = sum(file.stat().st_size for file in task.path.rglob("*") if file.is_file())
        promised = sum(other.disk_bytes() for other in self._running)
        return max(task.disk_bytes() - there, 0) + promised <= _free(task.folder)

    def _hear(self) -> None:
        for task in list(self._running):
            assert task.work is not None
            task.hear(task.work.process.news())
            if task.work.process.status() is not None:
                self._look_at = 0.0
                self._running.remove(task)
                self._end(task, task.end())

    def _end(self, task: Task, status: int) -> None:
        """What follows when a task's process has ended."""
        if status == 0:
            self._finish(task, State.FINISHED, None)
        elif status == EMPTY:
            self._finish(task, State.EMPTY, task.said)
        elif status == REFUSED or task.attempts > self._how.retries:
            self._finish(task, State.FAILED, task.said)
        else:
            task.row.state, task.row.error = State.WAITING, task.said
            self._waiting.insert(0, task)
            self._telling.again(task)

    def _finish(self, task: Task, state: State, error: str | None) -> None:
        task.row.state, task.row.error = state, error
        if state in DONE:
            task.clear()
        self._telling.ended(task)
        self._summary.is_old = True

    def _stop(self) -> None:
        """End the runs in order, each with its outputs; a second Ctrl-C leaves the rest to be killed."""
        self._telling.stops(len(self._running))
        for task in self._running:
            assert task.work is not None
            task.row.state = State.INTERRUPTED
            task.work.process.stop()
        end = time.monotonic() + STOP_S
        while self._running and time.monotonic() < end:
            for task in list(self._running):
                assert task.work is not None
                task.hear(task.work.process.news())
                if task.work.process.status() is not None:
                    self._running.remove(task)
                    done = task.end() == 0
                    task.row.state = State.FINISHED if done else State.INTERRUPTED
                    task.row.error = None if done else "interrupted: the same command goes on with it"
            time.sleep(TICK_S)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise StoreError(f"cannot look at the disk of {folder}: {error.strerror or error}") from error
