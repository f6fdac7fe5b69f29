"""A source of frames: of its candidates, the selected ones are decoded, resized and returned in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Protocol

from ...calibration import KnownCamera
from ...errors import FramesError
from ...settings import CameraSettings, FramesSettings
from ...types import Advice, AdviceCode, CopiedInput, Float64, Frame, InputCamera, SkippedFrame
from .chain import LeftOutFile, Link, RecordingChain, SourceFile
from .digest import digest_of_files
from .emptiness import why_empty
from .masks.by_hand import HandMasks
from .picture import Picture
from .recording import Candidate, Kind, Recording, comes_once
from .resizing import PictureResizer
from .seeking import SeekableChain, seekable_chain
from .selection import count_selected, select, usual_rate, with_rate
from .times.retiming import list_of_times, retimed

log = logging.getLogger(__name__)

LAST_INDEX = 2**62  # of any input: what is said of all of it goes on to its last frame


class PictureViews(Protocol):
    """What is shown of each picture where they have cameras or shapes of their own."""

    def show(self, index: int, picture: Picture) -> Picture | str:
        """The part of a picture that frames show, straight, or the reason why it cannot be used."""
        ...

    def intrinsics(self, index: int) -> Float64 | None:
        """K [3,3] in pixels of the source's size; None where it is unknown."""
        ...

    def camera_from_world(self, index: int) -> Float64 | None:
        """Where the camera stood [4,4]; None where it is unknown."""
        ...


class LiveFeed(Protocol):
    """The feed of a live source: it does not wait for its reader but drops frames."""

    dropped: int

    def stop(self) -> None:
        """Give no further image."""
        ...


@dataclass
class FrameSource:
    """The selected frames of one input that can be decoded ("good" frames), in order; iterate to get them.

    `expected` is the number of selected frames where it is known without decoding (bad frames count as good), `fps` the
    input's usual rate where it has times, `size` the (width, height) of the first good frame at the input's
    resolution, `focal_px` the focal length from its EXIF data at that size, `digest` identifies the input by its first
    good frame and its files. A frame that cannot be used is recorded in the next good one (`Frame.skipped_before`);
    `skipped_after` holds those behind the last good one, once an iteration has ended. Files can be iterated again from
    the beginning, a generator of arrays only once. Live input has a `feed`; its frames cannot be read again.
    """

    name: str
    kind: Kind
    candidates: Callable[[], Generator[Candidate]]
    settings: FramesSettings
    image_side: int | None = None
    expected: int | None = None
    fps: float | None = None
    has_times: bool = False
    focal_px: float | None = None
    size: tuple[int, int] = (0, 0)
    feed: LiveFeed | None = None
    skipped_after: tuple[SkippedFrame, ...] = ()
    first_index: int = 0
    first_time: float = 0.0  # of the first candidate: people count from there
    digest: str = ""
    paths: tuple[str, ...] = ()  # absolute: they open this input again; empty where that is impossible
    chain: RecordingChain | None = None  # of files
    left_out: Sequence[LeftOutFile] = ()  # files beside those that are used
    masks: HandMasks = field(default_factory=HandMasks)
    view: Callable[[Picture], Picture] | None = None  # of pictures, before they are brought to one size
    views: PictureViews | None = None  # of each picture, where they have cameras or shapes of their own
    advice: list[Advice] = field(default_factory=list)  # what is to be said of the input as a whole
    told_of_camera: CameraSettings = field(default_factory=CameraSettings)
    camera: InputCamera = InputCamera()
    undistort: Callable[[Frame], Frame] | None = None  # of frames, where the lens is known to distort
    copied: CopiedInput | None = None  # of remote files, which are here for now
    _resizer: PictureResizer = field(default_factory=PictureResizer)
    _known_until: int = 0  # candidates before this index were read by an earlier process
    _known_bad: frozenset[int] = frozenset()  # and these of them were skipped as bad
    _opened: Iterator[Frame] | None = None
    _seekable: SeekableChain | str | None = None
    _last_time: float | None = None
    _stopped: bool = False

    @classmethod
    def of(
        cls,
        recordings: Recording | Sequence[Link],
        settings: FramesSettings,
        image_side: int | None,
        name: str | None = None,
        left_out: Sequence[LeftOutFile] = (),
    ) -> FrameSource:
        """The frames of a recording, or of several one after the other, that the settings select.

        It is not open yet.
        """
        chain = RecordingChain(
            _timed([Link(recordings)] if isinstance(recordings, Recording) else recordings, settings)
        )
        first, times = chain.first, chain.times()
        rate = first.rate if times is None else usual_rate(times) or first.rate
        settings = with_rate(settings, rate if first.has_times else None)
        since = times[0] if times else 0.0
        return cls(
            name=name or first.name,
            kind=first.kind,
            candidates=partial(chain.candidates, None if settings.start is None else since + settings.start),
            settings=settings,
            image_side=image_side,
            expected=None if times is None else count_selected(times, settings),
            fps=rate if first.has_times else None,
            has_times=first.has_times,
            focal_px=first.focal_px,
            size=first.size or (0, 0),
            chain=chain,
            left_out=[*left_out, *(LeftOutFile(str(path), reason) for path, reason in chain.left_out)],
            advice=list(dict.fromkeys(advice for link in chain.links for advice in link.recording.advice)),
        )

    def say(self, code: AdviceCode, text: str) -> None:
        """Let the run tell something of the input as a whole."""
        self.advice.append(Advice(code, text, 0, LAST_INDEX))

    @property
    def dropped(self) -> int:
        """The number of frames of a live input that came faster than they were read."""
        return 0 if self.feed is None else self.feed.dropped

    def origin(self, index: int) -> tuple[str, int]:
        """The file (as it was given) or device that a frame comes from, and the frame's number there from 0.

        An image file holds one frame, number 0.
        """
        if self.chain is None:
            return self.name, index
        file, number = self.chain.origin(index)
        return self._as_given(file), number

    @property
    def files(self) -> list[SourceFile]:
        """The files that the frames come from, in order; a row of images is one."""
        return [] if self.chain is None else [replace(f, path=self._as_given(f.path)) for f in self.chain.files]

    @property
    def image_files(self) -> Sequence[Path]:
        """Of images: the path of each candidate, by its index."""
        return () if self.chain is None else self.chain.first.files

    @property
    def levels(self) -> tuple[float, float] | None:
        """Which stored values of deep pictures become black and white; None where nothing was stretched."""
        return None if self.chain is None else self.chain.first.levels()

    @property
    def calibration(self) -> KnownCamera | None:
        """The camera, where the files of the input tell it."""
        return None if self.chain is None else self.chain.first.calibration

    def nanoseconds(self, index: int) -> int | None:
        """The exact time of a frame, where the input has one: float64 seconds of today are 240 ns apart."""
        return None if self.chain is None else self.chain.nanoseconds(index)

    @property
    def shows_stored_pictures(self) -> bool:
        """Whether frames show pictures as they are stored."""
        return self.undistort is None and not self.camera.is_cut_out

    def as_stored(self) -> FrameSource:
        """The same source; its frames are not straightened any more."""
        self.undistort = None
        return self

    def stop(self) -> None:
        """Give no further frame: the current iteration ends regularly. Can be called from any thread."""
        self._stopped = True
        if self.feed is not None:
            self.feed.stop()

    def open(self) -> FrameSource:
        """Read the first good frame and return the source. Raises FramesError with one sentence if there is none."""
        frames = self._read()
        first = next(frames, None)
        if first is None:
            raise FramesError(why_empty(self.name, self.settings, self.skipped_after, self._span()))
        self.first_index = first.index
        self.digest = sha256(first.image.tobytes()).hexdigest()[:16]
        self._opened = _chain_unknown(self, first, frames)
        return self

    def _span(self) -> tuple[float, float] | None:
        return None if self._last_time is None else (self.first_time, self._last_time)

    def identify_by_paths(self, paths: Sequence[str]) -> None:
        """Record the absolute paths that open this input again, and make `digest` cover its files too."""
        self.paths = tuple(paths)
        links = () if self.chain is None else self.chain.links
        self.digest = digest_of_files(self.digest, [path for link in links for path in link.recording.paths])
        if (times := list_of_times(self.settings)) is not None:
            self.digest = sha256(self.digest.encode() + times.read_bytes()).hexdigest()[:16]

    def call(self, copied: CopiedInput) -> None:
        """Name the input and its files, and what opens it again, as they were given before they were copied here."""
        self.copied = copied
        self.paths, self.name = tuple(copied.addresses), copied.as_given(self.name)
        self.left_out = [replace(file, path=copied.as_given(file.path)) for file in self.left_out]

    def _as_given(self, path: str) -> str:
        return path if self.copied is None else self.copied.as_given(path)

    @property
    def why_not_seekable(self) -> str:
        """Why `frames_at` cannot read the frames in any order, in one sentence; "" where it can."""
        found = self._find_seekable()
        return found if isinstance(found, str) else ""

    def frames_at(self, indices: Iterable[int]) -> Iterator[Frame]:
        """The frames with some indices, ascending, whatever is selected: the same pictures, masks, times and names as
        when all are read from the beginning.

        Those that cannot be decoded are left out. Of cuts and skipped frames nothing is told: that is of the frames
        between. Raises FramesError where `why_not_seekable` says why, or there are no such frames.
        """
        found, ascending = self._find_seekable(), sorted(set(indices))
        if isinstance(found, str):
            raise FramesError(found)
        if ascending and not 0 <= ascending[0] <= ascending[-1] < found.count:
            raise FramesError(f"'{self.name}' has frames 0 to {found.count - 1}, not {ascending[0]} to {ascending[-1]}")
        with closing(found.candidates(ascending)) as candidates:
            for candidate in candidates:
                picture = self._picture(candidate)
                if isinstance(picture, str):
                    log.info("skipped %s: %s", candidate.name, picture)
                    continue
                frame = self._frame(candidate, picture, (), False)
                yield frame if self.undistort is None else self.undistort(frame)

    def _find_seekable(self) -> SeekableChain | str:
        if self._seekable is None:
            found = f"'{self.name}': {comes_once()}" if self.chain is None else seekable_chain(self.chain)
            self._seekable = self._as_given(found) if isinstance(found, str) else found
        return self._seekable

    def resume_at(self, index: int, known_bad: Iterable[int]) -> None:
        """Return only frames from this index on; before it, the frames `known_bad` were skipped."""
        self._known_until, self._known_bad = index, frozenset(known_bad)

    def __iter__(self) -> Iterator[Frame]:
        frames = self._read() if self._opened is None else self._opened
        self._opened, self._stopped = None, False
        return frames if self.undistort is None else map(self.undistort, frames)

    def _read(self) -> Generator[Frame]:
        with closing(self.candidates()) as candidates:
            good = self._decode(select(self._until_stopped(candidates), self.settings))
            yield from (frame for frame in islice(good, self.settings.max_frames) if frame is not None)

    def _until_stopped(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        self._last_time = None
        for candidate in candidates:
            if self._stopped:
                return
            if self._last_time is None:
                self.first_time = candidate.timestamp
            self._last_time = candidate.timestamp
            yield candidate

    def _decode(self, selected: Iterable[Candidate]) -> Iterator[Frame | None]:
        """Good frames, with None for those that an earlier process has read already (see `resume_at`)."""
        self.skipped_after = ()
        skipped: list[SkippedFrame] = []
        shot: int | None = None  # of the good frame before
        for candidate in selected:
            if candidate.index < self._known_until:
                is_good = candidate.index not in self._known_bad
                shot = candidate.shot if is_good else shot
                yield from (None,) if is_good else ()
                continue
            picture = self._picture(candidate)
            if isinstance(picture, str):
                skipped.append(_skip(candidate, picture))
            else:
                yield self._frame(candidate, picture, skipped, shot not in (None, candidate.shot))
                skipped, shot = [], candidate.shot
        self.skipped_after = tuple(skipped)

    def _picture(self, candidate: Candidate) -> Picture | str:
        """The picture of a candidate as frames show it, or the reason why it cannot be used."""
        picture = self.masks.apply(candidate, candidate.decode())
        if isinstance(picture, str):
            return picture
        picture = picture if self.view is None else self.view(picture)
        shown = picture if self.views is None else self.views.show(candidate.index, picture)
        return shown if isinstance(shown, str) else self._fit(shown)

    def _fit(self, picture: Picture) -> Picture | str:
        if self.size == (0, 0):
            self.size = picture.size
        return self._resizer.fit(picture, self.size, self.image_side)

    def _frame(
        self, candidate: Candidate, picture: Picture, skipped: Sequence[SkippedFrame], begins_shot: bool
    ) -> Frame:
        views = self.views
        return Frame(
            candidate.index,
            candidate.timestamp,
            picture.image,
            candidate.name,
            self.size,
            begins_shot=begins_shot,
            skipped_before=tuple(skipped),
            mask=picture.mask,
            intrinsics=None if views is None else views.intrinsics(candidate.index),
            camera_from_world=None if views is None else views.camera_from_world(candidate.index),
        )


def _timed(links: Sequence[Link], settings: FramesSettings) -> Sequence[Link]:
    """The recordings with the times of the list that the settings name; pictures have them already."""
    path = list_of_times(settings)
    if path is None or links[0].recording.kind == "images":
        return links
    if len(links) > 1:
        raise FramesError(f"{path} cannot be the times of {len(links)} files (frames.times): give one file at a time")
    return [replace(links[0], recording=retimed(links[0].recording, path))]


def _skip(candidate: Candidate, reason: str) -> SkippedFrame:
    log.info("skipped %s: %s", candidate.name, reason)
    return SkippedFrame(candidate.index, candidate.name, reason)


def _chain_unknown(source: FrameSource, first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    """The first frame, unless an earlier process has read it already, then the rest."""
    if first.index >= source._known_until:
        yield first
    yield from rest
