"""What is kept of runs: a JSON file for each, so that shards of clips are merged by putting their files together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import Row

from .cases import Case


@dataclass(frozen=True)
class Key:
    """One run: a case from a frame on, by a build."""

    case: Case
    start: int
    build: str

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"{Path(self.case.subject.name).stem}_{self.case.camera}_{self.start}_{self.build}.json"


class RecordFolder:
    """Records by their keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: Key) -> Row | None:
        """The record of a run, None where there is none."""
        path = self.folder / key.file
        found: Row | None = json.loads(path.read_text()) if path.exists() else None
        return found

    def put(self, key: Key, record: Row) -> None:
        """Keep a record, in one step."""
        path = self.folder / key.file
        path.with_suffix(".tmp").write_text(json.dumps(record, indent=1) + "\n")
        path.with_suffix(".tmp").replace(path)

    def all_of(self, case: Case, build: str) -> list[Row]:
        """The records of a case by a build, in the order of their starts, also those of runs that failed."""
        found = [self.get(Key(case, start, build)) for start in case.starts]
        return [record for record in found if record is not None]

    def of(self, case: Case, build: str) -> list[Row]:
        """Those of runs that came to an end."""
        return [record for record in self.all_of(case, build) if not record["error"]]


def is_current(record: Row | None, code: str, options: Sequence[str]) -> bool:
    """Whether a record is of this program (a hash of it) under these options, so that it need not be run again."""
    return record is not None and record["code"] == code and record["options"] == list(options)
