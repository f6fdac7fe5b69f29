"""What is wrong with a bag is told in one sentence, and one damaged place does not end a run."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings
from tests.frames.bags.conftest import START_NS, STEP_NS, BagWriter

NewBag = Callable[..., BagWriter]
ALL = FramesSettings()


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (64, 96, 3), dtype=np.uint8)


def write(bag: BagWriter, count: int = 12) -> tuple[Path, Path]:
    """The bag, and the file with its messages."""
    for i in range(count):
        bag.add_raw("/cam0/image_raw", noise(i), "rgb8", START_NS + i * STEP_NS)
    path = bag.write()
    return path, path if path.is_file() else next(file for file in path.iterdir() if file.name != "metadata.yaml")


@pytest.mark.parametrize("length", [0, 1, 30, 1000, 100_000, -100, -1])
@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_a_bag_that_was_cut_off_is_refused_with_what_repairs_it(new_bag: NewBag, kind: str, length: int) -> None:
    path, file = write(new_bag(kind))
    file.write_bytes(file.read_bytes()[:length])
    if (kind, length) in (("db3", -100), ("db3", -1)):  # SQLite finds all but what lay there
        assert len(list(open_source(path, ALL))) == 11
        return
    with pytest.raises(FramesError, match="empty|cut off.*copy it again, or repair it with") as caught:
        open_source(path, ALL)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_damaged_bytes_never_end_in_another_error(new_bag: NewBag, kind: str) -> None:
    path, file = write(new_bag(kind))
    data, chance = file.read_bytes(), random.Random(0)
    for _ in range(12):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 5))):
            damaged[chance.randrange(chance.choice((3000, len(data))))] = chance.randrange(256)
        file.write_bytes(damaged)
        try:
            assert len(list(open_source(path, ALL))) <= 12
        except FramesError as error:
            assert "\n" not in str(error)


def test_where_a_file_is_damaged_the_rest_of_it_is_skipped(new_bag: NewBag) -> None:
    path, _ = write(new_bag("bag", compression="lz4"), 100)
    data = bytearray(path.read_bytes())
    damage = len(data) * 4 // 5
    data[damage : damage + 20_000] = bytes(20_000)
    path.write_bytes(data)
    source = open_source(path, ALL)
    good = len(list(source))
    assert 40 <= good < 90
    assert f"missing from here on: {100 - good})" in source.skipped_after[-1].reason


def test_a_recorder_that_was_killed_leaves_no_index(new_bag: NewBag) -> None:
    path, file = write(new_bag("bag"))
    data = file.read_bytes()
    active = file.with_name("drive.bag.active")
    active.write_bytes(data.replace(data[data.index(b"index_pos=") :][:18], b"index_pos=" + bytes(8), 1))
    with pytest.raises(FramesError, match="not closed.*rosbag reindex"):
        open_source(active, ALL)


def test_messages_beside_a_database_are_not_lost_silently(new_bag: NewBag) -> None:
    path, file = write(new_bag("db3"))
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("INSERT INTO messages (topic_id, timestamp, data) SELECT topic_id, timestamp, data FROM messages")
    database.commit()
    with pytest.raises(FramesError, match="wal_checkpoint"):
        open_source(path, ALL)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert open_source(path, ALL).expected == 24


@pytest.mark.parametrize("text", ["rosbag2_bagfile_information: [", "rosbag2_bagfile_information: 3"])
def test_metadata_that_cannot_be_understood_is_refused(new_bag: NewBag, text: str) -> None:
    path, _ = write(new_bag("mcap"))
    (path / "metadata.yaml").write_text(text)
    with pytest.raises(FramesError, match="cannot be understood.*ros2 bag reindex"):
        open_source(path, ALL)


def test_files_of_other_things_are_refused(tmp_path: Path) -> None:
    for name in ("a.mcap", "a.db3", "a.bag"):
        (tmp_path / name).write_text("nothing of the kind" * 100)
        with pytest.raises(FramesError, match="not a bag that can be read"):
            open_source(tmp_path / name, ALL)
    with sqlite3.connect(tmp_path / "b.db3") as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    with pytest.raises(FramesError, match="missing tables"):
        open_source(tmp_path / "b.db3", ALL)


def test_an_mcap_file_of_something_else_is_refused(new_bag: NewBag) -> None:
    path, file = write(new_bag("mcap"))
    file.write_bytes(file.read_bytes().replace(b"ros2", b"ros1", 1))
    with pytest.raises(FramesError, match="other than ROS 2"):
        open_source(path, ALL)


@pytest.mark.parametrize("name", ["run #3", "50%25 done", "what?", "blank and ü"])
def test_names_with_signs_that_mean_something_in_addresses(new_bag: NewBag, name: str) -> None:
    for kind in ("db3", "mcap", "bag"):
        path, _ = write(new_bag(kind))
        other = path.rename(path.with_name(f"{name} {kind}{path.suffix}"))
        assert len(list(open_source(other, ALL))) == 12
