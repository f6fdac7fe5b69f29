"""Which clips are run, with and without their camera, from which frames on, and what they count for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import Clip, find_clip, make_town

STARTS = (0, 4, 9)  # a run from a later frame on sees other windows: what ATE does between them is its scatter
GIVEN, NONE = "given", "none"
SPEED, ACCURACY = "speed", "accuracy"
TOWN_FRAMES = 300


@dataclass(frozen=True)
class Drive:
    """A drive through the synthetic town, 10 frames a second, with true depth."""

    path: str = "block"
    seed: int = 0
    size: tuple[int, int] = (320, 240)

    def rendered(self, name: str, cache: Path) -> Clip:
        """The drive as a clip, rendered once."""
        folder = cache / name
        if not folder.exists():
            unfinished = cache / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            make_town(unfinished, TOWN_FRAMES, self.size, depth=True, path=self.path, seed=self.seed)
            unfinished.rename(folder)
        truth, camera = folder / "groundtruth_kitti.txt", folder / "intrinsics.txt"
        return Clip(name, folder / "town.mp4", truth, camera, folder / "depth")


@dataclass(frozen=True)
class Subject:
    """A clip of the comparison; `rate` is that of its times, in frames a second."""

    name: str
    rate: float = 30.0
    cameras: tuple[str, ...] = (GIVEN, NONE)
    starts: tuple[int, ...] = STARTS
    counts: tuple[str, ...] = (SPEED, ACCURACY)
    drive: Drive | None = None

    def clip(self, cache: Path) -> Clip:
        """The frames, and what is known of them."""
        return self.drive.rendered(self.name, cache) if self.drive else find_clip(self.name)


SUBJECTS = (
    Subject("kitti07_0-159"),
    Subject("hololens_000"),
    Subject("kitti00_c1018", starts=(0,)),
    Subject("town_320x240", 10.0, drive=Drive()),
    Subject("town_640x480", 10.0, starts=(0,), drive=Drive(size=(640, 480))),
    Subject("r3_house", cameras=(NONE,), counts=(SPEED,)),
    Subject("telemetry/gopro_karma.mp4", 30000 / 1001, (NONE,), counts=(SPEED,)),
    Subject("video/standing_robot.mp4", 50.0, (NONE,), counts=(SPEED,)),
    Subject("kitti06_0-50", counts=()),  # too short to count
    Subject("town_eight", 10.0, (GIVEN,), counts=(ACCURACY,), drive=Drive("eight", seed=1)),
    Subject("town_block2", 10.0, (GIVEN,), counts=(ACCURACY,), drive=Drive("block", seed=2)),
)


@dataclass(frozen=True)
class Case:
    """A row of the tables: a clip with its camera or without."""

    subject: Subject
    camera: str
    starts: tuple[int, ...] = field(default=STARTS)

    def words(self, clip: Clip, start: int) -> list[str]:
        """The options of a run that begins at a frame."""
        known = ["--intrinsics", str(clip.intrinsics)] if self.camera == GIVEN else []
        later = ["--start", f"{(start - 0.5) / self.subject.rate:.4f}"] if start else []
        return [*known, *later]

    @property
    def name(self) -> str:
        """A short name of the row."""
        return f"{Path(self.subject.name).stem} {'K' if self.camera == GIVEN else 'no K'}"


def chosen_cases(clips: str, camera: str, starts: str) -> Iterator[Case]:
    """The cases of clips with commas (a name, or the stem of a file's), those with their camera first; SystemExit for
    a clip that is none of the comparison's."""
    known = {Path(subject.name).stem: subject for subject in SUBJECTS}
    names = [Path(name).stem for name in clips.split(",") if name]
    if strange := [name for name in names if name not in known]:
        raise SystemExit(f"no clip {strange[0]} is compared: there are {', '.join(known)}")
    wanted = {int(word) for word in starts.split(",") if word}
    for subject in map(known.__getitem__, names):
        for kind in subject.cameras:
            if camera in (kind, "both"):
                yield Case(subject, kind, tuple(start for start in subject.starts if start in wanted))
