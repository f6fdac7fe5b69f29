"""Runs that only look like some: they do what the name of their input says, in a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from da3_stream.batch import How, Row, Video, run_batch
from da3_stream.batch.child import Event
from da3_stream.batch.forecast import Forecast
from da3_stream.batch.places import Process, Share
from da3_stream.settings import Settings

SMALL = Forecast(frames=10, disk_bytes=1000, fixed_bytes=1000, worker_bytes=100)

KILLED, CRASHED, REFUSED, EMPTY = -9, 1, 2, 3


class FakeProcess:
    """A run that is over after so many looks: "crash2" dies twice and then ends well, others as they are called."""

    is_lost = False

    def __init__(self, words: Sequence[str], looks: int) -> None:
        option = "--work" if "--work" in words else "-o"  # of a run that goes elsewhere
        out, what = Path(words[words.index(option) + 1]), Path(words[-1]).stem
        out.mkdir(parents=True, exist_ok=True)
        with (out / "calls").open("a") as file:
            file.write(f"{' '.join(words)}\n")
        count = len((out / "calls").read_text().splitlines())
        kind = what.rstrip("0123456789")
        dies = kind == "crash" and count <= int(what[len(kind) :])
        self._status = KILLED if dies else {"broken": CRASHED, "refused": REFUSED, "empty": EMPTY}.get(kind, 0)
        self._events: list[Event] = [{"event": "begin", "what": "reconstructing", "done": 0, "total": 10}]
        if self._status in (0, EMPTY):
            (out / "run.json").write_text('{"state": "finished"}')
            self._events.append({"event": "progress", "what": "reconstructing", "done": 10, "total": 10})
        if self._status == 0:
            figures = {"frames": 10, "placed": 9, "segments": 1, "points": 5, "trust": {"share": 0.5}}
            self._events.append({"event": "result", **figures})
            exports = [word.partition("=")[2] for word in words if word.startswith("--export=")]
            self._events += [{"event": "export", "path": str(out / name)} for name in exports]
        if self._status in (REFUSED, EMPTY):
            self._events.append({"event": "end", "message": f"it is {kind}"})
        self._looks = looks

    def news(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def status(self) -> int | None:
        self._looks -= 1
        return self._status if self._looks < 0 else None

    def last_words(self) -> str:
        return "Traceback: it is broken" if self._status == CRASHED else ""

    def peak_bytes(self) -> int:
        return 0

    def stop(self) -> None:
        raise AssertionError("nothing stops it")

    def close(self) -> None:
        pass


class FakeProber:
    """Knows at once."""

    def __init__(self, forecasts: Mapping[str, Forecast | str] | None = None) -> None:
        self._forecasts, self._answer = forecasts or {}, None

    @property
    def is_free(self) -> bool:
        return self._answer is None

    def ask(self, video: Video) -> None:
        self._answer = self._forecasts.get(video.name, SMALL)

    def answer(self) -> Forecast | str | None:
        answer, self._answer = self._answer, None
        return answer

    def close(self) -> None:
        pass


@dataclass(eq=False)
class FakePlace:
    """So many cores, and so much memory, of which runs take what was promised to them."""

    cores: int = 2
    memory: float = 1e9
    devices: int = 1
    name: str = "a place"
    looks: int = 2
    begun: list[tuple[str, int, int]] = field(default_factory=list)  # video, workers, those that ran beside it

    def whole_bytes(self) -> float:
        return self.memory

    def spare_bytes(self, promised: Mapping[Process, int]) -> float:
        self._beside = len(promised)
        return self.memory - sum(promised.values())

    def start(self, words: Sequence[str], share: Share) -> Process:
        self.begun.append((Path(words[-1]).stem, share.workers, self._beside))
        return FakeProcess(words, self.looks)


def videos(*names: str, **changes: object) -> list[Video]:
    """Videos that do what their names say."""
    return [replace(Video((f"in/{name}.mp4",), name, (), Settings()), **changes) for name in names]  # type: ignore[arg-type]


def run_fakes(
    folder: Path,
    wanted: Sequence[Video],
    place: FakePlace | None = None,
    forecasts: Mapping[str, Forecast | str] | None = None,
    how: How | None = None,
) -> dict[str, Row]:
    """The rows of a batch of them, by name."""
    place = place or FakePlace()
    rows = run_batch(wanted, folder, how or How(), lambda: [place], FakeProber(forecasts))
    return {row.name: row for row in rows}
