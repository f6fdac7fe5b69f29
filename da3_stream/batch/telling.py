"""What is told of a batch while it goes on: a bar over its videos, a line for each that ends, and events."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence

from ..machine import size_text
from ..progress import Figures, Listener, open_bar, paced, say
from .summary import DONE, State
from .task import Task

log = logging.getLogger(__name__)


class Telling:
    """For people on stderr, where `shown`, and for a listener."""

    def __init__(self, tasks: Sequence[Task], shown: bool, listener: Listener) -> None:
        self._tasks, self._shown, self._listener = tasks, shown, paced(listener)
        self._start, self._done_before = time.monotonic(), sum(task.row.state in DONE for task in tasks)
        self._waits: Task | None = None
        self._bar = open_bar("batch", len(tasks), shown, self._done_before, unit="video")
        listener("begin", {"what": "batch", "done": self._done_before, "total": len(tasks)})
        if self._done_before:
            self._say(f"{self._done_before} of {len(tasks)} videos are finished already")

    def started(self, task: Task) -> None:
        """A process works on it."""
        work, attempt = task.work, f", attempt {task.attempts}" if task.attempts > 1 else ""
        assert work is not None
        workers = work.share.workers
        self._say(f"{task.video.name}: begun with {workers} worker{'s' * (workers > 1)}{attempt}")
        self._tell(task, workers=workers, memory_bytes=work.share.memory, place=work.place.name)

    def again(self, task: Task) -> None:
        """It ended before its time, and will be tried again."""
        self._say(f"{task.video.name}: {task.row.error}; it is tried again from its last window on")
        self._tell(task)

    def ended(self, task: Task) -> None:
        """Nothing more is done for it."""
        row = task.row
        placed = f"{row.placed} of {row.frames} frames placed in {row.seconds:.1f} s"
        self._say(f"{task.video.name}: {placed if row.state == State.FINISHED else f'{row.state.value}: {row.error}'}")
        self._tell(task)

    def stops(self, count: int) -> None:
        """Runs are asked to end."""
        if count:
            self._say(
                f"{count} run{'s' * (count > 1)} will write what was placed, and end; Ctrl-C again ends them at once"
            )

    def waits(self, task: Task, needed: int, spare: float) -> None:
        """Nothing runs, and other programs leave too little memory for the next one."""
        if task is not self._waits:
            self._waits = task
            self._say(
                f"{task.video.name}: waits for memory: it may take {size_text(needed)}, and {size_text(max(spare, 0))} "
                "are free"
            )

    def progress(self) -> None:
        """How far all of it is."""
        counts = Counter(task.row.state for task in self._tasks)
        over = sum(counts[state] for state in (*DONE, State.FAILED))
        rate, left = self._per_second(sum(task.frames for task in self._tasks)), self._seconds_left()
        words = [f"{counts[State.RUNNING]} running"]
        words += [f"{counts[State.FAILED]} failed"] if counts[State.FAILED] else []
        words += [f"{rate:.3g} frames/s"] if rate else []
        self._bar.show(Figures(over, len(self._tasks), None, left, tuple(words)))
        self._listener(
            "progress",
            {
                "what": "batch",
                "done": over,
                "total": len(self._tasks),
                "per_second": round(self._per_second(self._share_done()), 5),
                "seconds_left": None if left is None else round(left, 1),
                "frames_per_second": round(rate, 3),
                **{state.value: counts[state] for state in State},
            },
        )

    def close(self) -> None:
        """The last word."""
        self.progress()
        self._bar.close()

    def _share_done(self) -> float:
        """Videos that came to their end in this process, those that go on in part."""
        return sum(task.share for task in self._tasks) - self._done_before

    def _per_second(self, count: float) -> float:
        return count / max(time.monotonic() - self._start, 1e-6)

    def _seconds_left(self) -> float | None:
        """As if the other videos took as long as those until now."""
        done = self._share_done()
        return (len(self._tasks) - self._done_before - done) / self._per_second(done) if done > 0 else None

    def _tell(self, task: Task, **more: object) -> None:
        row = task.row
        about = {"input": row.input, "run": row.out, "state": row.state.value, "attempts": row.attempts}
        figures = {"seconds": row.seconds, "frames": row.frames, "placed": row.placed, "error": row.error}
        self._listener("video", {"video": row.name, **about, **figures, **more})

    def _say(self, text: str) -> None:
        log.info(text)
        if self._shown:
            say(text)
