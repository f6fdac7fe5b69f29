"""One run of a build on a clip, and what is kept of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.accuracy import FROM_EVALUATION, placed
from benchmarks.checkouts import code_hash
from benchmarks.common import Clip, tell
from benchmarks.tables import Row
from benchmarks.town import FROM_DEPTH
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate
from da3_stream.machine import describe_machine, installed_versions
from da3_stream.report.words import says_ok

from .cases import Case
from .records import Key, RecordFolder, is_current
from .watching import watched

FROM_STATUS = (
    "frames",
    "windows",
    "windows_by_status",
    "segments",
    "keyframes",
    "seconds",
    "seconds_by_stage",
    "seconds_in_predictor",
)


@dataclass(frozen=True)
class Build:
    """A program to run: its name in the tables, its checkout, its commit, and options that it is given."""

    name: str
    code: Path
    commit: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runner:
    """Runs cases by builds in turn, unless there is a record of them."""

    builds: Sequence[Build]
    records: RecordFolder
    cache: Path  # of rendered towns
    folder: Path  # of run directories
    options: tuple[str, ...]  # for every build
    keep: bool = False  # the run directories

    def run(self, cases: Sequence[Case]) -> None:
        """Run what has no record of this program under these options."""
        for case in cases:
            for start in case.starts:
                for build in self.builds:
                    self._once(Key(case, start, build.name), build)

    def _once(self, key: Key, build: Build) -> None:
        options, code = [*self.options, *build.options], code_hash(build.code)
        if is_current(self.records.get(key), code, options):
            return
        clip, out = key.case.subject.clip(self.cache), self.folder / key.file.removesuffix(".json")
        tell(f"{key.case.name} from frame {key.start} on, {build.name}")
        given = [*key.case.words(clip, key.start), *options]
        command = ["-m", "da3_stream", "run", str(clip.source), "-o", str(out), "--model", "sfm", "--overwrite", "-q"]
        took = watched([sys.executable, *command, *given], build.code, out)
        record = (
            took | _surroundings() | {"build": build.name, "start": key.start, "commit": build.commit, "code": code}
        )
        record |= {"options": options, **found_in(out, clip, took)}
        tell(f"  {record['error'] or 'done'}, {took['cpu_s']:.1f} CPU s, ATE {record.get('ate_percent')} %")
        self.records.put(key, record)
        if not self.keep:
            shutil.rmtree(out, ignore_errors=True)


def found_in(out: Path, clip: Clip, took: Row) -> Row:
    """What a run directory says of itself, and what it comes to beside the truth; `error` is None if all is there."""
    path = out / "run.json"
    status: Row = json.loads(path.read_text()) if path.exists() else {}
    trust = status.get("trust") or {}
    found: Row = {key: status.get(key) for key in FROM_STATUS} | {"error": None}
    found |= {"trust_share": trust.get("share"), "says_ok": bool(trust) and says_ok(trust)}
    if took["exit_status"]:
        return found | {"error": f"exit status {took['exit_status']}: {took['last_line']}"}
    try:
        return found | (dict(_against_truth(out, clip)) if clip.truth else placed(out))
    except Da3StreamError as error:
        return found | {"error": str(error)}


def _against_truth(out: Path, clip: Clip) -> Iterator[tuple[str, Any]]:
    result = evaluate(out, clip.truth, format="kitti", depth_groundtruth=clip.depth)
    yield from ((key, result[key]) for key in FROM_EVALUATION)
    if clip.depth:
        yield from ((f"depth_{key}", result["depth"][key]) for key in FROM_DEPTH)
        yield "f_scores", [score["f_score"] for score in result["cloud"]["thresholds"]]


def _surroundings() -> Row:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": installed_versions(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
