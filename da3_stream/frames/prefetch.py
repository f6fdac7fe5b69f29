"""Reading frames ahead of their consumer, in a background thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from ..stopwatch import Stopwatch
from ..types import Frame

FrameQueue = SimpleQueue[Frame | BaseException | None]  # frames, then None or the exception that ended the source


@runtime_checkable
class Stoppable(Protocol):
    """A source that can be told, from any thread, to give no further frame."""

    def stop(self) -> None:
        """Give no further frame."""
        ...


class Prefetcher:
    """An iterator over frames that a thread reads ahead; as a context manager it ends the thread on exit."""

    def __init__(self, frames: Generator[Frame]) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the source if it can be stopped, and wait until the thread has ended.

        The thread finishes the frame that it is decoding first.
        """
        self._frames.close()


def prefetch(source: Iterable[Frame], depth: int = 32, watch: Stopwatch | None = None) -> Prefetcher:
    """Iterate a source in one background thread, at most `depth` frames ahead of the consumer.

    The thread starts when the first frame is requested. Order is kept; an exception of the source is raised after
    the last good frame. The thread is stopped and joined when the frames end, when a `with` block around them is left
    (by an exception such as KeyboardInterrupt too), and when the iterator is garbage-collected. What reading takes
    counts towards the stage "decoding" of `watch`. Raises ValueError if depth is below 1.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}")
    return Prefetcher(_read_ahead(source, depth, watch or Stopwatch()))


def _read_ahead(source: Iterable[Frame], depth: int, watch: Stopwatch) -> Generator[Frame]:
    ready: FrameQueue = SimpleQueue()
    free_slots, abandoned = threading.Semaphore(depth), threading.Event()
    thread = threading.Thread(
        target=_fill_queue, args=(source, ready, free_slots, abandoned, watch), name="read-ahead", daemon=True
    )
    thread.start()
    try:
        while isinstance(item := ready.get(), Frame):
            free_slots.release()
            yield item
        if item is not None:
            raise item
    finally:
        abandoned.set()
        free_slots.release()
        if thread.is_alive():
            _stop(source)
        thread.join()


def _fill_queue(
    source: Iterable[Frame],
    ready: FrameQueue,
    free_slots: threading.Semaphore,
    abandoned: threading.Event,
    watch: Stopwatch,
) -> None:
    """Run in the thread: wait for a free slot, read a frame into it, until the source ends or the consumer is gone."""
    try:
        frames = watch.each("decoding", source)
        item: Frame | None = None
        while free_slots.acquire() and not abandoned.is_set():
            item = next(frames, None)
            ready.put(item)
            if item is None:
                return
    except BaseException as error:  # raised again where the frames are used
        ready.put(error)


def _stop(source: Iterable[Frame]) -> None:
    """Stop a source that can be stopped: a live input may keep its reader waiting for a frame for long."""
    if isinstance(source, Stoppable):
        source.stop()
