"""What is kept of a run: witness values, confidence, status, segment and error of every pose, and what the run said.

A record is a small .npz; `shards` puts many of them into one file for the repository.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bank import CLEAN, Job

Float32 = NDArray[np.float32]

WRONG_PERCENT, WRONG_FACTOR, FEWEST_PLACED = 1.0, 3.0, 0.7
GOOD_PERCENT = 0.3
TURN_DEG = 0.5
TRUSTED_SHARE = 0.9


@dataclass(frozen=True)
class Facts:
    """What a run came to, and what it said of itself."""

    key: str
    code: str  # a hash of the program's source
    exit_status: int
    cpu_s: float
    placed: float  # share of the frames with a pose
    segments: int
    ate_percent: float
    turn_error_deg: float
    turns: bool
    points: int
    windows: dict[str, int]  # by status
    warnings: int  # lines of the log
    trust_share: float | None  # None: this version does not say
    stretches: list[dict[str, Any]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)  # codes
    note: str = ""  # the last line of a run that failed

    @property
    def job(self) -> Job:
        """The run's place in the bank."""
        return Job.of_key(self.key)

    @property
    def says_ok(self) -> bool:
        """Whether a user is told that the map is fine; of older versions: all placed as one, and no warning."""
        if self.exit_status:
            return False
        if self.trust_share is None:
            fine = set(self.windows) <= {"OK", "HELD"}
            return self.placed == 1.0 and self.segments <= 1 and fine and not self.warnings
        return self.trust_share >= TRUSTED_SHARE and not self.stretches

    def is_wrong(self, clean_percent: float) -> bool:
        """Whether the map is wrong, beside that of the same scene with nothing wrong (NaN: there is none)."""
        if self.placed < FEWEST_PLACED:
            return False
        if self.turns:
            return self.points > 0 or self.turn_error_deg > TURN_DEG
        floor = np.nan_to_num(WRONG_FACTOR * clean_percent)
        return bool(self.ate_percent > max(WRONG_PERCENT, floor))

    @property
    def is_good(self) -> bool:
        """Whether the map is as good as it should be."""
        if self.turns:
            return self.placed >= FEWEST_PLACED and not self.is_wrong(np.nan)
        return self.placed >= FEWEST_PLACED and self.ate_percent < GOOD_PERCENT


@dataclass(frozen=True, eq=False)
class Record:
    """One run: facts, and a value for every one of its N rows."""

    facts: Facts
    confidence: Float32  # [N], NaN where this version does not say
    status: NDArray[np.str_]  # [N]
    segment: NDArray[np.int16]  # [N]
    submap: NDArray[np.int16]  # [N], -1: none
    position_error: Float32  # [N], 1 is as much as is right; NaN: not scored
    rotation_error_deg: Float32  # [N]
    estimate: Float32  # [N,3,4] world_from_camera, NaN: none
    truth: Float32  # [N,3,4]
    witness_names: NDArray[np.str_]  # [W]
    witnesses: Float32  # [W,N], NaN where a pose has none

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which poses [N] can be told right or wrong."""
        return np.isfinite(self.position_error)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which poses [N] are right."""
        return (self.position_error < 1.0) & (self.rotation_error_deg < 1.0)

    def to_bytes(self) -> bytes:
        """The record as the bytes of an .npz."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "facts"}
        arrays["witnesses"] = self.witnesses.astype(np.float32)
        stream = io.BytesIO()
        np.savez_compressed(stream, facts=json.dumps(asdict(self.facts)), **arrays)
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """The record that `to_bytes` wrote."""
        with np.load(io.BytesIO(data)) as entries:
            arrays = {f.name: entries[f.name] for f in fields(Record) if f.name != "facts"}
            return Record(Facts(**json.loads(str(entries["facts"]))), **arrays)


class RecordFolder:
    """Records by their keys, a file each; what is there need not be run again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where a record lies."""
        return self.folder / f"{key}.npz"

    def get(self, job: Job) -> Record | None:
        """The record of a job, None before it was run."""
        path = self.path(job.key)
        return Record.from_bytes(path.read_bytes()) if path.exists() else None

    def put(self, record: Record) -> None:
        """Keep a record, in one step."""
        path = self.path(record.facts.key)
        path.with_suffix(".tmp").write_bytes(record.to_bytes())
        path.with_suffix(".tmp").replace(path)

    def all(self) -> list[Record]:
        """All records in the order of their keys."""
        return [Record.from_bytes(path.read_bytes()) for path in sorted(self.folder.glob("*.npz"))]


def clean_percents(records: Iterable[Record]) -> dict[str, float]:
    """ATE % of the clean runs by their keys."""
    return {r.facts.key: r.facts.ate_percent for r in records if r.facts.job.family == CLEAN}
