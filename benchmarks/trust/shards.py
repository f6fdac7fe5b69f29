"""Many records in one small file, for the repository: rows of all runs one below the other, in short numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .records import Facts, Float32, Record

COLUMNS = {
    "confidence": np.float16,
    "segment": np.int16,
    "submap": np.int16,
    "position_error": np.float16,
    "rotation_error_deg": np.float16,
}
MOST = 6e4  # float16 holds no larger errors


def pack(records: Sequence[Record], path: Path) -> None:
    """Write records into one file."""
    names = sorted({name for record in records for name in record.witness_names.tolist()})
    arrays: dict[str, Any] = {
        name: np.concatenate([np.clip(getattr(r, name), -MOST, MOST).astype(kind) for r in records])
        for name, kind in COLUMNS.items()
    }
    statuses, status = np.unique(np.concatenate([r.status for r in records]), return_inverse=True)
    np.savez_compressed(
        path,
        facts=json.dumps([asdict(record.facts) for record in records]),
        rows=[len(record.status) for record in records],
        statuses=statuses,
        status=status.astype(np.uint8),
        names=np.array(names),
        witnesses=np.concatenate([_in_order(record, names) for record in records], axis=1),
        estimate=np.concatenate([_numbers(record.estimate) for record in records]),
        truth=np.concatenate([_numbers(record.truth) for record in records]),
        **arrays,
    )


def unpack(path: Path) -> list[Record]:
    """The records of a file that `pack` wrote, in their order."""
    with np.load(path) as entries:
        whole = {name: entries[name] for name in entries.files}
    facts, ends = json.loads(str(whole["facts"])), np.cumsum(whole["rows"])
    spans = [slice(end - count, end) for end, count in zip(ends, whole["rows"], strict=True)]
    return [_record(Facts(**f), whole, span) for f, span in zip(facts, spans, strict=True)]


def _record(facts: Facts, whole: dict[str, NDArray], rows: slice) -> Record:
    witnesses = whole["witnesses"][:, rows].astype(np.float32)
    told = np.isfinite(witnesses).any(axis=1)
    columns = {
        name: whole[name][rows].astype(np.float32 if kind is np.float16 else kind) for name, kind in COLUMNS.items()
    }
    return Record(
        facts=facts,
        status=whole["statuses"][whole["status"][rows]],
        witness_names=whole["names"][told],
        witnesses=witnesses[told],
        estimate=_poses(whole["estimate"][rows]),
        truth=_poses(whole["truth"][rows]),
        **columns,
    )


def _in_order(record: Record, names: Sequence[str]) -> NDArray[np.float16]:
    """The witnesses [W,N] of all these names, NaN where the record has none."""
    own = dict(zip(record.witness_names.tolist(), record.witnesses, strict=True))
    nothing = np.full(len(record.status), np.nan, np.float32)
    columns = [np.clip(own.get(name, nothing), -MOST, MOST) for name in names]
    return np.array(columns, np.float16).reshape(len(names), len(record.status))


def _numbers(poses: Float32) -> Float32:
    """Position and quaternion [N,7] of poses [N,3,4]; NaN for those that are unknown."""
    out = np.full((len(poses), 7), np.nan, np.float32)
    known = np.isfinite(poses).all(axis=(1, 2))
    out[known, :3] = poses[known, :, 3]
    if known.any():
        out[known, 3:] = Rotation.from_matrix(poses[known, :, :3]).as_quat()
    return out


def _poses(numbers: Float32) -> Float32:
    out = np.full((len(numbers), 3, 4), np.nan, np.float32)
    known = np.isfinite(numbers).all(axis=1)
    out[known, :, 3] = numbers[known, :3]
    if known.any():
        out[known, :, :3] = Rotation.from_quat(numbers[known, 3:]).as_matrix()
    return out
