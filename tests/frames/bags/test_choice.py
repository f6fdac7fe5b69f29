"""Which topic is the camera, and which clock its pictures go by."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.bags.topics import PictureTopic, choose_topic, info_names
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode
from tests.frames.bags.conftest import RAW, START_NS, STEP_NS, BagWriter
from tests.frames.conftest import picture

NewBag = Callable[..., BagWriter]
ALL = FramesSettings()
DEPTH = np.full((64, 96), 1500, np.uint16)
DAY_NS = 24 * 3600 * 10**9


def topic(
    name: str, encoding: str = "rgb8", count: int = 100, calibrated: bool = False, kind: str = RAW
) -> PictureTopic:
    return PictureTopic(name, kind, count, encoding, calibrated)


def chosen(*topics: PictureTopic, wanted: str | None = None) -> str:
    return choose_topic("bag", topics, {}, wanted).name


def test_the_main_camera_is_taken() -> None:
    assert chosen(topic("/cam10/image_raw"), topic("/cam2/image_raw")) == "/cam2/image_raw"
    assert chosen(topic("/a/image"), topic("/b/image_raw", calibrated=True)) == "/b/image_raw"
    assert chosen(topic("/a/image", count=10), topic("/b/image")) == "/b/image"
    assert chosen(topic("/camera/color/image_raw"), topic("/camera/a/image_rect_raw", "mono8")) == (
        "/camera/color/image_raw"
    )
    assert chosen(topic("/a/thermal", "mono16"), topic("/b/image")) == "/b/image"
    assert chosen(topic("/a/thermal", "16UC1")) == "/a/thermal"


def test_depth_is_no_camera() -> None:
    depth = [
        topic("/camera/depth/image_rect_raw", "16UC1"),
        topic("/camera/aligned_depth_to_color/image_raw", "16UC1"),
        topic("/a/points", "32FC1"),
        topic("/a/depth/compressedDepth", "16UC1; compressedDepth png", kind="sensor_msgs/msg/CompressedImage"),
    ]
    assert chosen(*depth, topic("/z/image_raw")) == "/z/image_raw"
    assert chosen(topic("/depth_camera/image_raw"), *depth) == "/depth_camera/image_raw"
    with pytest.raises(FramesError, match="distances.*but no pictures"):
        chosen(*depth)
    with pytest.raises(FramesError, match="holds distances and no pictures.*/z/image_raw"):
        chosen(*depth, topic("/z/image_raw"), wanted="/camera/depth/image_rect_raw")


def test_of_one_camera_the_uncompressed_pictures_are_taken_unless_there_are_fewer() -> None:
    raw, small = topic("/c/image_raw"), topic("/c/image_raw/compressed", "jpeg", kind="sensor_msgs/msg/CompressedImage")
    assert chosen(small, raw) == "/c/image_raw"
    assert chosen(topic("/c/image_raw", count=50), small) == "/c/image_raw/compressed"


def test_calibrations_are_looked_for_beside_the_pictures() -> None:
    assert info_names("/a/b/image_raw/compressed") == ("/a/b/camera_info", "/a/info/camera_info")
    assert "/device_0/sensor_1/Color_0/info/camera_info" in info_names("/device_0/sensor_1/Color_0/image/data")


@pytest.mark.parametrize("kind", ["mcap", "bag"])
def test_a_depth_camera_beside_a_colour_one_is_named(new_bag: NewBag, kind: str) -> None:
    bag = new_bag(kind)
    for i in range(3):
        bag.add_raw("/camera/aligned_depth_to_color/image_raw", DEPTH, "16UC1", START_NS + i * STEP_NS)
        bag.add_raw("/camera/color/image_raw", picture(i), "rgb8", START_NS + i * STEP_NS)
    text = open_source(bag.write(), ALL).advice[0].text
    assert "of topic /camera/color/image_raw" in text
    assert "/camera/aligned_depth_to_color/image_raw (3, depth)" in text


def test_a_missing_topic_is_refused_with_those_that_are_there(new_bag: NewBag) -> None:
    bag = new_bag()
    bag.add_raw("/front/image_raw", picture(0), "rgb8", START_NS)
    bag.add_info("/front/camera_info", START_NS)
    path = bag.write()
    with pytest.raises(FramesError, match=r"no topic /rear.*/front/image_raw \(1, rgb8\)"):
        open_source(path, FramesSettings(topic="/rear"))
    with pytest.raises(FramesError, match="camera_info of type sensor_msgs/msg/CameraInfo holds no pictures"):
        open_source(path, FramesSettings(topic="/front/camera_info"))


def test_a_bag_without_a_camera_is_refused(new_bag: NewBag) -> None:
    bag = new_bag()
    bag.add_info("/front/camera_info", START_NS)
    with pytest.raises(FramesError, match="no topic with pictures.*holds /front/camera_info"):
        open_source(bag.write(), ALL)
    with pytest.raises(FramesError, match="no messages at all"):
        open_source(new_bag(name="none").write(), ALL)


def test_pictures_as_video_packets_are_refused_by_name(new_bag: NewBag) -> None:
    from rosbags.typesys import get_types_from_msg

    bag = new_bag("bag")
    kind = "theora_image_transport/msg/Packet"
    bag.store.register(get_types_from_msg("std_msgs/Header header\nuint8[] data", kind))
    packet = bag.make(kind, header=bag.header(START_NS), data=np.zeros(3, np.uint8))
    bag.add("/camera/image_raw/theora", packet, START_NS)
    with pytest.raises(FramesError, match="as Theora .topic /camera/image_raw/theora.*republish"):
        open_source(bag.write(), ALL)


def test_packets_of_a_video_in_compressed_pictures_are_refused(new_bag: NewBag) -> None:
    bag = new_bag()
    bag.add_compressed("/camera/image_raw/compressed", b"packet", "h264", START_NS)
    path = bag.write()
    for settings in (ALL, FramesSettings(topic="/camera/image_raw/compressed")):
        with pytest.raises(FramesError, match="as h264 .topic /camera/image_raw/compressed.*republish"):
            open_source(path, settings)


def with_stamps(bag: BagWriter, stamps: list[int], logged: list[int] | None = None) -> FrameSource:
    for i, stamp in enumerate(stamps):
        received = START_NS + i * STEP_NS if logged is None else logged[i]
        bag.add_raw("/cam/image_raw", picture(i), "rgb8", stamp, logged_ns=received)
    return open_source(bag.write(), ALL)


def steps(source: FrameSource) -> list[float]:
    return np.diff([frame.timestamp for frame in source]).round(3).tolist()


def said(source: FrameSource) -> str:
    return " ".join(advice.text for advice in source.advice if advice.code == AdviceCode.INPUT_TIMES)


@pytest.mark.parametrize("kind", ["mcap", "db3", "bag"])
def test_the_bags_own_times_stand_for_stamps_that_are_zero(new_bag: NewBag, kind: str) -> None:
    source = with_stamps(new_bag(kind), [0] * 6)
    assert [frame.timestamp for frame in source] == [(START_NS + i * STEP_NS) / 1e9 for i in range(6)]
    assert "zero" in said(source)


def test_the_bags_own_times_stand_for_stamps_that_stand_still(new_bag: NewBag) -> None:
    source = with_stamps(new_bag(), [START_NS] * 6)
    assert steps(source) == [0.05] * 5
    assert "stand still" in said(source)


def test_a_bag_without_any_times_has_a_rate(new_bag: NewBag) -> None:
    source = with_stamps(new_bag(), [0] * 6, [START_NS] * 6)
    assert steps(source) == [0.033, 0.034, 0.033, 0.033, 0.034] or np.allclose(steps(source), 1 / 30, atol=1e-3)
    assert not source.has_times
    assert "30 a second are assumed" in said(source)


def test_bags_without_any_times_follow_one_another(new_bag: NewBag) -> None:
    bags = []
    for k in range(2):
        bag = new_bag(name=f"part_{k}")
        for i in range(4):
            bag.add_raw("/cam/image_raw", picture(4 * k + i), "rgb8", 0, logged_ns=START_NS + k)
        bags.append(bag.write())
    source = open_source(bags, ALL)
    assert np.allclose([frame.timestamp for frame in source], np.arange(8) / 30)


def test_frames_to_come_are_counted_by_times(new_bag: NewBag) -> None:
    bags = []
    for k in range(2):
        bag = new_bag(name=f"part_{k}")
        for i in range(10 * k, 10 * k + 10):
            bag.add_raw("/cam/image_raw", picture(i), "rgb8", START_NS + i * STEP_NS)
        bags.append(bag.write())
    source = open_source(bags, FramesSettings(start=0.24, end=0.74))
    assert source.expected == len(list(source)) == 10


@pytest.mark.parametrize("leap", [DAY_NS, -START_NS + 10**9, 600 * 10**9])
def test_a_clock_of_headers_that_was_set_is_closed_up(new_bag: NewBag, leap: int) -> None:
    stamps = [START_NS + i * STEP_NS + (leap if i >= 5 else 0) for i in range(10)]
    source = with_stamps(new_bag(), stamps)
    assert steps(source) == [0.05] * 9
    assert "closed up" in said(source)


def test_one_stamp_that_is_zero_is_closed_up(new_bag: NewBag) -> None:
    stamps = [START_NS + i * STEP_NS if i != 5 else 0 for i in range(10)]
    assert steps(with_stamps(new_bag(), stamps)) == [0.05] * 9


def test_both_clocks_set_at_once_are_closed_up(new_bag: NewBag) -> None:
    stamps = [1000 * 10**9 + i * STEP_NS if i < 5 else START_NS + i * STEP_NS for i in range(10)]
    assert steps(with_stamps(new_bag(), stamps, stamps)) == [0.05] * 9


def test_a_pause_in_both_clocks_stays(new_bag: NewBag) -> None:
    stamps = [START_NS + i * STEP_NS + (600 * 10**9 if i >= 5 else 0) for i in range(10)]
    assert steps(with_stamps(new_bag(), stamps, stamps)) == [0.05] * 4 + [600.05] + [0.05] * 4


def test_pictures_that_repeat_a_stamp_or_come_late_are_skipped(new_bag: NewBag) -> None:
    order = [0, 1, 2, 2, 3, 4, 6, 5, 7]
    frames = list(with_stamps(new_bag("db3"), [START_NS + i * STEP_NS for i in order]))
    assert np.allclose(np.diff([frame.timestamp for frame in frames]), [0.05] * 4 + [0.1, 0.05], atol=1e-6)
    reasons = [bad.reason for frame in frames for bad in frame.skipped_before]
    assert reasons == ["its stamp is not later than that of the picture before"] * 2


def test_auto_takes_about_ten_a_second(new_bag: NewBag) -> None:
    bag = new_bag()
    for i in range(20):
        bag.add_raw("/cam/image_raw", picture(i), "rgb8", START_NS + i * STEP_NS)
    assert len(list(open_source(bag.write(), FramesSettings(fps="auto")))) == 10


def test_colour_is_known_of_compressed_pictures_too(new_bag: NewBag) -> None:
    bag = new_bag()
    _, data = cv2.imencode(".jpg", picture(1)[:, :, 0])
    for i in range(2):
        bag.add_compressed("/a/image/compressed", data.tobytes(), "mono8; jpeg compressed ", START_NS + i * STEP_NS)
        bag.add_raw("/b/image", picture(i), "bgr8", START_NS + i * STEP_NS)
    assert "of topic /b/image" in open_source(bag.write(), ALL).advice[0].text
