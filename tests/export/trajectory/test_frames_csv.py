"""frames.csv comes back as it was written."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from da3_stream.export import write_frames_csv
from da3_stream.store import PoseTable

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


def table(n: int) -> PoseTable:
    rng = np.random.default_rng(n)
    return PoseTable(
        source_index=3 * np.arange(n),
        timestamp=np.sort(rng.uniform(0, 1e6, n)),
        has_times=True,
        segment=rng.integers(-1, 3, n),
        world_from_camera=np.tile(np.eye(4), (n, 1, 1)),
        depth_scale=np.ones(n),
        intrinsics=np.tile(np.eye(3), (n, 1, 1)),
        status=tuple(rng.choice(["OK", "WEAK", "HELD", "TURNED", "FAILED", "INTERPOLATED", "UNPLACED"], n).tolist()),
        confidence=rng.uniform(0, 1, n).astype(np.float32).astype(np.float64),
    )


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def test_every_row_comes_back(tmp_path: Path) -> None:
    poses = table(2500)
    write_frames_csv(poses, lambda index: ("drive.mp4", index), tmp_path / "frames.csv")
    rows = read(tmp_path / "frames.csv")
    first = (tmp_path / "frames.csv").read_bytes().split(b"\n")[0]
    assert first == b"row,source,source_index,time_s,status,segment,confidence"
    assert [int(row["row"]) for row in rows] == list(range(2500))
    assert [int(row["source_index"]) for row in rows] == poses.source_index.tolist()
    assert [float(row["time_s"]) for row in rows] == poses.timestamp.tolist()
    assert [float(np.float32(row["confidence"])) for row in rows] == poses.confidence.tolist()
    assert [int(row["segment"]) for row in rows] == poses.segment.tolist()
    assert tuple(row["status"] for row in rows) == poses.status and {row["source"] for row in rows} == {"drive.mp4"}


@settings(max_examples=50, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=5))
def test_any_name_of_a_file_comes_back(names: list[str]) -> None:
    poses = replace(table(len(names)), source_index=np.arange(len(names)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.csv"
        write_frames_csv(poses, lambda index: (names[index], 0), path)
        assert [row["source"] for row in read(path)] == names


def test_a_name_that_is_no_text_comes_back(tmp_path: Path) -> None:
    name = b"caf\xe9, 1.png".decode("utf-8", "surrogateescape")
    write_frames_csv(table(1), lambda index: (name, 0), tmp_path / "frames.csv")
    assert read(tmp_path / "frames.csv")[0]["source"] == name


def test_a_run_without_frames_leaves_the_header(tmp_path: Path) -> None:
    write_frames_csv(table(0), lambda index: ("", 0), tmp_path / "frames.csv")
    assert (tmp_path / "frames.csv").read_text() == "row,source,source_index,time_s,status,segment,confidence\n"
