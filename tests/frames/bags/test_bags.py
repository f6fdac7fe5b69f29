"""A bag's pictures are frames with the times of their headers, whatever kind of bag it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from da3_stream.errors import FramesError
from da3_stream.frames import open_source
from da3_stream.frames.listing import listing, listing_text
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode
from tests.frames.bags.conftest import RAW, START_NS, STEP_NS, BagWriter
from tests.frames.conftest import number_of, picture

NewBag = Callable[..., BagWriter]
ALL = FramesSettings()
KINDS = [
    *[("mcap", mode) for mode in ("", "message", "file", "storage")],
    *[("db3", mode) for mode in ("", "message", "file")],
    *[("bag", mode) for mode in ("", "bz2", "lz4")],
]


def png(number: int) -> bytes:
    done, data = cv2.imencode(".png", picture(number)[:, :, ::-1])
    assert done
    return data.tobytes()


def fill(bag: BagWriter, count: int = 12, first: int = 0) -> BagWriter:
    """Raw pictures on /cam0/image_raw and compressed ones, from the same camera's right eye, on /cam1/..."""
    for i in range(first, first + count):
        bag.add_raw("/cam0/image_raw", picture(i), "rgb8", START_NS + i * STEP_NS)
        bag.add_compressed(
            "/cam1/image_raw/compressed", png(i + 20), "rgb8; png compressed bgr8", START_NS + i * STEP_NS
        )
    return bag


def said(source: object, code: AdviceCode) -> str:
    return " ".join(advice.text for advice in source.advice if advice.code == code)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "compression"), KINDS)
def test_pictures_and_stamps_come_out_of_every_kind_of_bag(new_bag: NewBag, kind: str, compression: str) -> None:
    source = open_source(fill(new_bag(kind, compression=compression)).write(), ALL)
    frames = list(source)
    assert all((frame.image == picture(i)).all() for i, frame in enumerate(frames))
    assert [frame.timestamp for frame in frames] == [(START_NS + i * STEP_NS) / 1e9 for i in range(12)]
    assert (source.kind, source.expected, source.fps, source.has_times) == ("bag", 12, pytest.approx(20), True)


@pytest.mark.parametrize("topic", ["/cam1/image_raw/compressed", "/cam1/image_raw", "cam1/image_raw"])
@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_a_topic_is_chosen_by_name_with_or_without_its_transport(new_bag: NewBag, kind: str, topic: str) -> None:
    source = open_source(fill(new_bag(kind)).write(), FramesSettings(topic=topic))
    assert [number_of(frame.image) for frame in source] == list(range(20, 32))
    assert "/cam1/image_raw/compressed" in said(source, AdviceCode.INPUT_FILES)


def test_the_other_cameras_are_named(new_bag: NewBag) -> None:
    text = said(open_source(fill(new_bag()).write(), ALL), AdviceCode.INPUT_FILES)
    assert "12 pictures of topic /cam0/image_raw" in text
    assert "also there: /cam1/image_raw/compressed" in text
    assert "--topic" in text


def test_a_file_of_a_bag_is_enough(new_bag: NewBag) -> None:
    for kind in ("mcap", "db3"):
        bag = fill(new_bag(kind, name=f"of_{kind}")).write()
        for file in (bag / f"of_{kind}.{kind}", bag / "metadata.yaml"):
            assert [number_of(frame.image) for frame in open_source(file, ALL)] == list(range(12))


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_definitions_in_idl_are_understood(tmp_path: Path, new_bag: NewBag, plugin: StoragePlugin) -> None:
    line = "=" * 80 + "\n"
    text = (
        f"{line}IDL: sensor_msgs/msg/Image\nmodule sensor_msgs {{ module msg {{ struct Image {{ std_msgs::msg::Header "
        "header; uint32 height; uint32 width; string encoding; uint8 is_bigendian; uint32 step; sequence<uint8> data; "
        f"}}; }}; }};\n{line}IDL: std_msgs/msg/Header\nmodule std_msgs {{ module msg {{ struct Header {{ "
        f"builtin_interfaces::msg::Time stamp; string frame_id; }}; }}; }};\n{line}IDL: builtin_interfaces/msg/Time\n"
        "module builtin_interfaces { module msg { struct Time { int32 sec; uint32 nanosec; }; }; };\n"
    )
    bag = fill(new_bag())
    with Writer(tmp_path / "idl", version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection("/cam/image", RAW, msgdef=text, rihs01=bag.store.hash_rihs01(RAW))
        for logged, _, kind, message in bag.rows:
            if kind == RAW:
                writer.write(connection, logged, bag.store.serialize_cdr(message, kind))
    assert [number_of(frame.image) for frame in open_source(tmp_path / "idl", ALL)] == list(range(12))


def split(tmp_path: Path, new_bag: NewBag, kind: str) -> Path:
    """A folder with three files, as `ros2 bag record --max-bag-size` writes them, and metadata of all three."""
    parts = [fill(new_bag(kind, name=f"drive_{k}"), 4, 4 * k).write() for k in range(3)]
    folder = tmp_path / "split"
    folder.mkdir()
    text = (parts[0] / "metadata.yaml").read_text()
    names = [f"drive_{k}.{kind}" for k in range(3)]
    for part, name in zip(parts, names, strict=True):
        shutil.move(part / name, folder / name)
    lines = "\n".join(f"  - {name}" for name in names)
    (folder / "metadata.yaml").write_text(
        text.replace(f"  - drive_0.{kind}", lines, 1) if f"  - drive_0.{kind}" in text else text
    )
    assert names[2] in (folder / "metadata.yaml").read_text()
    return folder


@pytest.mark.parametrize("kind", ["mcap", "db3"])
def test_the_files_of_a_bag_follow_one_another(tmp_path: Path, new_bag: NewBag, kind: str) -> None:
    source = open_source(split(tmp_path, new_bag, kind), ALL)
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.timestamp for frame in frames] == [(START_NS + i * STEP_NS) / 1e9 for i in range(12)]
    assert not any(frame.begins_shot for frame in frames)
    assert [Path(source.origin(i)[0]).name for i in (3, 4, 11)] == [f"drive_{k}.{kind}" for k in (0, 1, 2)]
    assert [source.origin(i)[1] for i in (3, 4, 11)] == [3, 0, 3]
    assert [file.frames for file in source.files] == [4, 4, 4]
    starts = [line.split()[0] for line in listing_text(listing(source)).splitlines()[1:4]]
    assert starts == ["0:00:00.000", "0:00:00.200", "0:00:00.400"]


def test_a_folder_without_metadata_is_a_bag_that_was_not_closed(tmp_path: Path, new_bag: NewBag) -> None:
    folder = split(tmp_path, new_bag, "mcap")
    (folder / "metadata.yaml").unlink()
    assert [number_of(frame.image) for frame in open_source(folder, ALL)] == list(range(12))


@pytest.mark.parametrize("kind", ["mcap", "db3"])
def test_a_file_that_cannot_be_read_is_left_out_and_said(tmp_path: Path, new_bag: NewBag, kind: str) -> None:
    folder = split(tmp_path, new_bag, kind)
    (folder / f"drive_1.{kind}").write_bytes(b"")
    (folder / f"drive_2.{kind}").unlink()
    source = open_source(folder, ALL)
    assert [number_of(frame.image) for frame in source] == list(range(4))
    assert [Path(file.path).name for file in source.left_out] == [f"drive_1.{kind}", f"drive_2.{kind}"]
    assert ["empty" in file.reason or "missing" in file.reason for file in source.left_out] == [True, True]
    assert f"drive_1.{kind}" in said(source, AdviceCode.INPUT_FILES)


def test_reading_goes_on_where_an_earlier_process_ended(tmp_path: Path, new_bag: NewBag) -> None:
    folder = split(tmp_path, new_bag, "mcap")
    source = open_source(folder, ALL)
    source.resume_at(6, ())
    assert [frame.index for frame in source] == list(range(6, 12))
    assert source.digest == open_source(folder, ALL).digest
    assert source.digest != open_source(folder / "drive_0.mcap", ALL).digest


@pytest.mark.parametrize("kind", ["mcap", "bag"])
def test_times_are_known_to_the_nanosecond(new_bag: NewBag, kind: str) -> None:
    source = open_source(fill(new_bag(kind)).write(), ALL)
    assert [source.nanoseconds(frame.index) for frame in source] == [START_NS + i * STEP_NS for i in range(12)]


def test_start_and_end_count_from_the_first_picture(new_bag: NewBag) -> None:
    source = open_source(fill(new_bag()).write(), FramesSettings(start=0.19, end=0.39))
    assert [number_of(frame.image) for frame in source] == [4, 5, 6, 7]


def test_a_picture_alone_is_a_frame(new_bag: NewBag) -> None:
    source = open_source(fill(new_bag("db3"), 1).write(), ALL)
    assert len(list(source)) == 1


def test_a_topic_is_for_bags_only(new_bag: NewBag, write_images: Callable[..., Path]) -> None:
    with pytest.raises(FramesError, match="no bag.*--topic"):
        open_source(write_images(["a.png", "b.png"]), FramesSettings(topic="/cam0"))


def test_the_camera_of_a_bag_is_chosen_by_topic(new_bag: NewBag) -> None:
    with pytest.raises(FramesError, match="--topic chooses the camera of a bag"):
        open_source(fill(new_bag()).write(), FramesSettings(camera="rear"))


def test_bags_without_definitions_are_read_by_the_standard_ones(new_bag: NewBag) -> None:
    """As SQLite bags of Humble and before are: without the table of definitions."""
    import sqlite3

    file = fill(new_bag("db3")).write() / "drive.db3"
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("DROP TABLE schema")
        database.execute("ALTER TABLE topics DROP COLUMN type_description_hash")
    assert [number_of(frame.image) for frame in open_source(file, ALL)] == list(range(12))
    assert [number_of(frame.image) for frame in open_source(file.parent, ALL)] == list(range(12))


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_types_are_known_by_their_short_names(tmp_path: Path, new_bag: NewBag, plugin: StoragePlugin) -> None:
    bag = fill(new_bag())
    text, digest = bag.store.generate_msgdef(RAW, ros_version=2)[0], bag.store.hash_rihs01(RAW)
    with Writer(tmp_path / "short", version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection("/cam/image", "sensor_msgs/Image", msgdef=text, rihs01=digest)
        for logged, _, kind, message in bag.rows:
            if kind == RAW:
                writer.write(connection, logged, bag.store.serialize_cdr(message, kind))
    assert [number_of(frame.image) for frame in open_source(tmp_path / "short", ALL)] == list(range(12))


def test_unknown_types_beside_the_camera_do_no_harm(new_bag: NewBag) -> None:
    from rosbags.typesys import get_types_from_msg

    bag = fill(new_bag("mcap"))
    bag.store.register(get_types_from_msg("float64 speed\nuint8 gear", "car_msgs/msg/State"))
    bag.add("/car/state", bag.make("car_msgs/msg/State", speed=3.0, gear=2), START_NS)
    assert len(list(open_source(bag.write(), ALL))) == 12


def test_frames_are_named_by_their_file(new_bag: NewBag) -> None:
    names = [frame.name for frame in open_source(fill(new_bag("mcap", compression="file")).write(), ALL)]
    assert names[0] == "drive_000000"


def test_images_are_numpy_arrays_of_their_own(new_bag: NewBag) -> None:
    """rosbags gives arrays that can't be written to."""
    frame = next(iter(open_source(fill(new_bag("bag")).write(), ALL)))
    frame.image[:] = 0
    assert frame.image.flags.c_contiguous
    assert not np.any(frame.image)


def three_bags(new_bag: NewBag, kind: str, gap_ns: int = 0) -> list[Path]:
    """Three bags of one drive, the last after a pause."""
    bags = []
    for k in range(3):
        bag = new_bag(kind, name=f"drive_{k + 9}")  # names in natural order only
        for i in range(4 * k, 4 * k + 4):
            bag.add_raw("/cam0/image_raw", picture(i), "rgb8", START_NS + i * STEP_NS + (gap_ns if k == 2 else 0))
        bags.append(bag.write())
    return bags


@pytest.mark.parametrize("kind", ["mcap", "bag"])
@pytest.mark.parametrize("how", ["folder", "glob", "list", "turned list"])
def test_bags_of_one_drive_are_one_input(tmp_path: Path, new_bag: NewBag, kind: str, how: str) -> None:
    bags = three_bags(new_bag, kind, 10 * 10**9)
    given: object = {"folder": tmp_path, "glob": str(tmp_path / "drive_*"), "list": bags, "turned list": bags[::-1]}[
        how
    ]
    frames = list(open_source(given, ALL))  # type: ignore[arg-type]
    assert [number_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.index for frame in frames if frame.begins_shot] == [8]


def test_two_bags_of_the_same_time_are_refused(new_bag: NewBag) -> None:
    bags = [fill(new_bag(kind, name=kind)).write() for kind in ("mcap", "db3")]
    with pytest.raises(FramesError, match="/cam0/image_raw of the same time: give one"):
        open_source(bags, ALL)


def test_a_folder_of_pictures_with_a_bag_beside_them_is_pictures(
    new_bag: NewBag, write_images: Callable[..., Path]
) -> None:
    folder = write_images(["a1.png", "a2.png"])
    shutil.move(fill(new_bag("bag")).write(), folder / "drive.bag")
    assert open_source(folder, ALL).kind == "images"
