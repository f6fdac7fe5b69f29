"""Ground-truth trajectory files: TUM (time, position, quaternion) and KITTI (one 3x4 matrix per source frame).

A KITTI file FILE may have FILE.rows beside it, which numbers the frames, from 0, whose poses are real, one a line: the
others are left out of FILE, or stand there as NaN or as something made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..errors import EvaluationError
from ..geometry import nearest_rotations

TrajectoryFormat = Literal["kitti", "tum"]
_LAYOUT = {
    "tum": "8 (timestamp tx ty tz qx qy qz qw)",
    "kitti": "12 or 16 (a 3x4 or 4x4 world-from-camera matrix, row by row)",
}
_COLUMNS: dict[str, tuple[int, ...]] = {"tum": (8,), "kitti": (12, 16)}
_ROWS = ".rows"  # suffix of the file beside a KITTI file
_ROTATION_TOLERANCE = 0.02  # largest entry by which a printed matrix may differ from a rotation


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The finite poses of a truth file: TUM rows carry (ascending) times, KITTI rows the index of their frame."""

    format: TrajectoryFormat
    timestamps: NDArray[np.float64] | None  # [N], seconds
    indices: NDArray[np.int64] | None  # [N], source frame = row of the file, counted from 0
    world_from_camera: NDArray[np.float64]  # [N,4,4], rigid
    row_count: int  # rows of the file, those without a pose (NaN, or by its .rows) included

    @property
    def skipped(self) -> int:
        """How many rows of the file have no pose."""
        return self.row_count - len(self.world_from_camera)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The numbers of a text file: values [N,C] and the line [N] (from 1) that each row stands on."""

    path: Path
    lines: NDArray[np.int64]
    values: NDArray[np.float64]

    def take(self, which: NDArray[Any]) -> _Rows:
        return _Rows(self.path, self.lines[which], self.values[which])

    def refuse(self, bad: NDArray[np.bool_], reason: str) -> None:
        """Raise EvaluationError with the first bad line, if there is one."""
        if bad.any():
            raise EvaluationError(f"line {self.lines[bad][0]} of {self.path} {reason}")


def read_trajectory(path: Path, format: TrajectoryFormat | None = None) -> Trajectory:
    """Read a truth file; without a format 8 numbers a line mean TUM, 12 or 16 mean KITTI.

    Lines that hold a NaN are skipped. Raises EvaluationError with the line for anything else that is not a pose.
    """
    if format not in (None, *_COLUMNS):
        raise EvaluationError(f"unknown trajectory format {format!r}: expected {' or '.join(_COLUMNS)}")
    format = format or _guess_format(path, _split_lines(path))
    return read_tum(path) if format == "tum" else read_kitti(path)


def read_tum(path: Path) -> Trajectory:
    """Read `timestamp tx ty tz qx qy qz qw` lines, sorted by time; quaternions are normalised."""
    rows = _read_rows(path, "tum", [line for line in _split_lines(path) if line[1]])
    finite = _finite_rows(rows)
    finite = finite.take(np.argsort(finite.values[:, 0], kind="stable"))
    quaternions = finite.values[:, 4:]
    finite.refuse(np.linalg.norm(quaternions, axis=1) < 1e-6, "has a quaternion of length zero: expected a rotation")
    poses = _stack_poses(Rotation.from_quat(quaternions).as_matrix(), finite.values[:, 1:4])
    return Trajectory("tum", finite.values[:, 0], None, poses, len(rows.values))


def read_kitti(path: Path) -> Trajectory:
    """Read one 3x4 (or 4x4) world-from-camera matrix per line; the row's number is the source frame's index.

    Printed matrices are taken to the nearest rotation; one that is further than rounding from any is refused.
    """
    rows = _read_rows(path, "kitti", _split_lines(path))
    real, frames, frame_count = _real_rows(path, len(rows.values))
    known = np.isfinite(rows.values[real]).all(axis=1)
    finite = _finite_rows(rows.take(real))
    values = finite.values.reshape(len(finite.values), -1, 4)
    if values.shape[1] == 4:
        last_off = np.abs(values[:, 3] - (0, 0, 0, 1)).max(axis=1)
        finite.refuse(last_off > 1e-6, "is not a row-by-row 4x4 pose: its last four numbers must be 0 0 0 1")
    rotations, distance = _to_rotations(values[:, :3, :3])
    finite.refuse(distance > _ROTATION_TOLERANCE, "holds no rotation in its 3x3 part: expected a pose")
    return Trajectory("kitti", None, frames[known], _stack_poses(rotations, values[:, :3, 3]), frame_count)


def _real_rows(path: Path, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Which of a KITTI file's `count` rows are real [N], their frames [N], and how many frames there are: by the file
    beside it, without which all are real.

    Raises EvaluationError where that file is none, or belongs to another one.
    """
    beside = path.with_name(path.name + _ROWS)
    if not beside.exists():
        return np.arange(count), np.arange(count), count
    words = _read_text(beside).split()
    if not all(word.isdecimal() for word in words):
        raise EvaluationError(f"{beside} is no list of rows: expected a whole number a line")
    if not words:
        raise EvaluationError(f"{beside} is empty: it says that {path} holds no real pose")
    frames = np.array(words, np.int64)
    if (np.diff(frames) <= 0).any():
        raise EvaluationError(f"the rows of {beside} do not ascend: expected the frames of {path} in their order")
    if len(frames) == count:  # others are left out
        return np.arange(count), frames, int(frames[-1]) + 1
    if frames[-1] >= count:
        raise EvaluationError(
            f"{beside} has {len(frames)} rows up to {frames[-1]}, but {path} has {count} lines: they do not belong "
            "together"
        )
    return frames, frames, count


def _split_lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number from 1, its words) without comments and without blank lines at the end."""
    text = _read_text(path)
    lines = [(number, line.replace(",", " ").split()) for number, line in enumerate(text.rstrip().splitlines(), 1)]
    lines = [(number, words) for number, words in lines if not (words and words[0].startswith("#"))]
    if not any(words for _, words in lines):
        raise EvaluationError(f"{path} holds no poses: expected a TUM or KITTI trajectory, one pose per line")
    return lines


def _read_text(path: Path) -> str:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EvaluationError(f"cannot read the ground truth {path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise EvaluationError(f"{path} is not a text file: expected a TUM or KITTI trajectory")
    return text


def _guess_format(path: Path, lines: list[tuple[int, list[str]]]) -> TrajectoryFormat:
    number, words = next(line for line in lines if line[1])
    if len(words) in _COLUMNS["tum"]:
        return "tum"
    if len(words) in _COLUMNS["kitti"]:
        return "kitti"
    raise EvaluationError(
        f"line {number} of {path} has {len(words)} words: expected {_LAYOUT['tum']} numbers for TUM"
        f" or {_LAYOUT['kitti']} for KITTI"
    )


def _read_rows(path: Path, format: TrajectoryFormat, lines: Sequence[tuple[int, list[str]]]) -> _Rows:
    """The numbers of all lines; every line must have as many as the first, and a count that the format allows."""
    columns = len(lines[0][1])
    for number, words in lines:
        if len(words) != columns or columns not in _COLUMNS[format]:
            count = "is blank" if not words else f"has {len(words)} words"
            expected = f"expected {_LAYOUT[format]} on every line of a {format.upper()} file"
            raise EvaluationError(f"line {number} of {path} {count}: {expected}")
    values = [_parse_numbers(path, number, words) for number, words in lines]
    return _Rows(path, np.array([number for number, _ in lines]), np.array(values))


def _parse_numbers(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise EvaluationError(f"line {number} of {path} is not all numbers: {' '.join(words)[:60]!r}") from error


def _finite_rows(rows: _Rows) -> _Rows:
    finite = rows.take(np.flatnonzero(np.isfinite(rows.values).all(axis=1)))
    if not len(finite.values):
        raise EvaluationError(f"{rows.path} holds no finite pose: all {len(rows.values)} lines are NaN")
    return finite


def _to_rotations(matrices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nearest rotations [N,3,3] and by how much the worst entry of each matrix differs [N]."""
    rotations = nearest_rotations(matrices)
    return rotations, np.abs(rotations - matrices).max(axis=(1, 2))


def _stack_poses(rotations: NDArray[np.float64], translations: NDArray[np.float64]) -> NDArray[np.float64]:
    poses = np.tile(np.eye(4), (len(rotations), 1, 1))
    poses[:, :3, :3] = rotations
    poses[:, :3, 3] = translations
    return poses
