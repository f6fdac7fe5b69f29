"""One run of the bank: its images are written, the command is run on them, and what it left is compared with truth."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.checkouts import code_hash, environment
from benchmarks.tables import ROOT
from da3_stream.store import RunReader, read_witnesses

from .bank import WINDOWS, Job, sequence_of
from .inputs.sequences import Sequence
from .labels import ate_percent, pose_errors, turn_error_deg
from .records import Facts, Record

_JUDGES = ("predictors", "slam", "stitching", "loops", "posegraph", "scale", "frames", "trust", "session", "geometry")


@dataclass(frozen=True)
class Bench:
    """Where jobs are run: the checkout whose program is measured, the folder of clean sequences, more settings."""

    cache: Path
    code: Path = ROOT
    settings: tuple[str, ...] = ()

    def run(self, job: Job) -> Record:
        """Do a job and give its record."""
        sequence = sequence_of(job, self.cache)
        with tempfile.TemporaryDirectory(prefix="da3_trust_") as folder:
            images, out = sequence.write_images(Path(folder) / "images"), Path(folder) / "run"
            before = _children_cpu_s()
            words = command(images, out, sequence, job, self.settings)
            child = subprocess.run(words, cwd=self.code, env=environment(self.code), capture_output=True, text=True)
            cpu_s = _children_cpu_s() - before
            said = (child.stderr.strip().splitlines() or [""])[-1]
            return record_of(job, sequence, out, _Ended(child.returncode, said, cpu_s, source_hash(self.code)))


@dataclass(frozen=True)
class _Ended:
    """How a child process ended."""

    exit_status: int
    last_line: str
    cpu_s: float
    code: str


def command(images: Path, out: Path, sequence: Sequence, job: Job, settings: Rows[str]) -> list[str]:
    """The command line of a job, as a user would write it."""
    words = ["-m", "da3_stream", "run", str(images), "-o", str(out), "--model", "sfm", "--workers", "1", "-q"]
    if sequence.given:
        words += ["--intrinsics", ",".join(f"{number:.4f}" for number in sequence.intrinsics)]
    sizes = [f"windows.size={WINDOWS[0]}", f"windows.overlap={WINDOWS[1]}"] if job.windows else []
    return [sys.executable, *words, *(word for text in (*sizes, *settings) for word in ("--set", text))]


def record_of(job: Job, sequence: Sequence, out: Path, ended: _Ended) -> Record:
    """What is kept of a run directory."""
    n = len(sequence)
    if not (out / "run.json").exists() or not (out / "scene.json").exists():
        return _nothing(job, sequence, ended)
    reader = RunReader.open(out)
    rows = reader.poses.source_index
    estimate, segment = np.full((n, 4, 4), np.nan), np.full(n, -1)
    estimate[rows], segment[rows] = reader.poses.world_from_camera, reader.poses.segment
    status = np.full(n, "UNPLACED", "<U12")
    status[rows] = reader.poses.status
    errors = pose_errors(sequence.truth, estimate, segment, sequence.depth_m)
    names, witnesses, submap = witness_table(reader, n)
    return Record(
        facts=facts_of(job, sequence, reader, ended, estimate, segment),
        confidence=confidences(reader, n),
        status=status,
        segment=segment.astype(np.int16),
        submap=submap,
        position_error=errors.position.astype(np.float32),
        rotation_error_deg=errors.rotation_deg.astype(np.float32),
        estimate=estimate[:, :3].astype(np.float32),
        truth=sequence.truth[:, :3].astype(np.float32),
        witness_names=names,
        witnesses=witnesses,
    )


def facts_of(
    job: Job, sequence: Sequence, reader: RunReader, ended: _Ended, estimate: NDArray, segment: NDArray
) -> Facts:
    """What a run directory says of itself, beside what is true."""
    said: dict[str, Any] = reader.status
    trust = said.get("trust") or {}
    return Facts(
        key=job.key,
        code=ended.code,
        exit_status=ended.exit_status,
        cpu_s=round(ended.cpu_s, 2),
        placed=float((segment >= 0).mean()),
        segments=len(np.unique(segment[segment >= 0])),
        ate_percent=ate_percent(sequence.truth, estimate, segment),
        turn_error_deg=turn_error_deg(sequence.truth, estimate, segment),
        turns=sequence.turns,
        points=_points(reader.path / "cloud.ply"),
        windows=said.get("windows_by_status", {}),
        warnings=_warnings(reader.path / "log.txt"),
        trust_share=trust.get("share"),
        stretches=list(trust.get("stretches", [])),
        advice=[row["code"] for row in said.get("advice", [])],
        note=ended.last_line if ended.exit_status else "",
    )


def witness_table(reader: RunReader, n: int) -> tuple[NDArray, NDArray[np.float32], NDArray[np.int16]]:
    """Names [W] and values [W,n] of the witnesses of every source frame, from the submap that owns it; that [n] too."""
    found: dict[str, NDArray[np.float32]] = {}
    submap = np.full(n, -1, np.int16)
    for number, cameras in reader.geometry.submaps.items():
        owned = cameras.owned
        submap[cameras.frame_indices[owned]] = number
        for name, values in read_witnesses(reader.run, number).items():
            row = found.setdefault(name, np.full(n, np.nan, np.float32))
            row[cameras.frame_indices[owned]] = values[owned]
    names = sorted(found)
    table = np.array([found[name] for name in names], np.float32).reshape(len(names), n)
    return np.array(names, "<U32"), table, submap


def confidences(reader: RunReader, n: int) -> NDArray[np.float32]:
    """The confidence [n] that frames.csv tells of every source frame; NaN without such a file."""
    path, found = reader.path / "frames.csv", np.full(n, np.nan, np.float32)
    if path.exists():
        with path.open(newline="") as file:
            told = [float(row["confidence"]) for row in csv.DictReader(file)]
        found[reader.poses.source_index] = told
    return found


def source_hash(code: Path) -> str:
    """A hash of the parts of the program that decide poses and what is said of them."""
    return code_hash(code, _JUDGES)


def _nothing(job: Job, sequence: Sequence, ended: _Ended) -> Record:
    """The record of a run that left nothing."""
    n = len(sequence)
    facts = Facts(
        job.key, ended.code, ended.exit_status, ended.cpu_s, 0.0, 0, np.nan, np.nan, sequence.turns, 0, {}, 0, None,
        note=ended.last_line,
    )  # fmt: skip
    nan, none = np.full(n, np.nan, np.float32), np.full(n, -1, np.int16)
    poses, truth = np.full((n, 3, 4), np.nan, np.float32), sequence.truth[:, :3].astype(np.float32)
    names, witnesses = np.zeros(0, "<U32"), np.zeros((0, n), np.float32)
    return Record(facts, nan, np.full(n, "UNPLACED"), none, none, nan, nan, poses, truth, names, witnesses)


def _points(cloud: Path) -> int:
    """How many points a .ply says that it has; 0 without one."""
    if not cloud.exists():
        return 0
    head = cloud.read_bytes()[:400].decode("latin-1")
    return int(next((line.split()[-1] for line in head.splitlines() if line.startswith("element vertex")), 0))


def _warnings(log: Path) -> int:
    lines = log.read_text().splitlines() if log.exists() else []
    return sum(" WARNING " in line for line in lines)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
