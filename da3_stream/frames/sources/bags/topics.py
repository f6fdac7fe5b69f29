"""Which topic of a bag is the camera: the names and encodings of its topics tell pictures from depth.

Names follow image_transport: compressed pictures of /cam/image_raw are on /cam/image_raw/compressed, and its
calibration is on /cam/camera_info.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ....errors import FramesError
from .layout import natural_key

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
OTHER_TRANSPORTS = {  # pictures that are not read, by the type of their messages
    "theora_image_transport/msg/Packet": "Theora",
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": "video (ffmpeg_image_transport)",
    "foxglove_msgs/msg/CompressedVideo": "video (Foxglove)",
    "foxglove_msgs/msg/CompressedImage": "Foxglove's own",
    "foxglove_msgs/msg/RawImage": "Foxglove's own",
}
VIDEO_FORMATS = ("h264", "h265", "hevc", "av1", "vp8", "vp9")  # that some write into compressed pictures
TRANSPORTS = ("compressed", "compressedDepth", "theora", "ffmpeg", "zstd")
DEPTH_NAMES = ("depth", "disparity")
MANY = 0.5  # of the messages of the topic with the most; a topic with fewer is no camera that films


@dataclass(frozen=True)
class PictureTopic:
    """A topic with pictures: how many, and of its first one the encoding (of a compressed one what its format says)."""

    name: str
    type: str
    count: int
    encoding: str
    has_calibration: bool = False

    @property
    def camera(self) -> str:
        """The topic's name without that of a transport: the same for all topics of one camera's pictures."""
        return base_name(self.name)

    @property
    def is_depth(self) -> bool:
        """Whether its pixels are distances: by the encoding, and for 16 bits by the name, as thermal pictures have them
        too."""
        if "compressedDepth" in self.encoding or self.encoding.startswith("32FC1"):
            return True
        return self.is_deep and any(word in self.name.lower() for word in DEPTH_NAMES)

    @property
    def is_video(self) -> bool:
        """Whether its messages are packets of a video, which need those before them."""
        return self.type == COMPRESSED and self.encoding.lower().startswith(VIDEO_FORMATS)

    @property
    def is_picture(self) -> bool:
        """Whether each message is a picture."""
        return not self.is_depth and not self.is_video

    @property
    def is_deep(self) -> bool:
        """Whether pixels have one channel of more than 8 bits."""
        return self.encoding.lower().startswith(("16uc1", "16sc1", "mono16"))

    @property
    def is_colour(self) -> bool:
        """Whether pixels have a colour, as far as the encoding tells."""
        return not self.is_deep and not self.encoding.lower().startswith(("mono", "8uc1"))


def base_name(topic: str) -> str:
    """The topic's name without that of a transport."""
    head, _, tail = topic.rpartition("/")
    return head if tail in TRANSPORTS else topic


def info_names(topic: str) -> tuple[str, str]:
    """Where the calibration of a topic's pictures may be: beside them, or where librealsense records it."""
    folder = base_name(topic).rpartition("/")[0]
    return f"{folder}/camera_info", f"{folder.rpartition('/')[0]}/info/camera_info"


def choose_topic(bag: str, found: Sequence[PictureTopic], types: Mapping[str, str], wanted: str | None) -> PictureTopic:
    """The topic `wanted`, else that of the bag's main camera: 8 bits before 16, calibrated before not, many pictures
    before few, colour before gray, then by name.

    `types` are those of all topics. Raises FramesError with one sentence where there is none.
    """
    if wanted is not None:
        return _find(bag, found, types, wanted)
    cameras = _cameras(topic for topic in found if topic.is_picture)
    if not cameras:
        raise FramesError(_why_none(bag, found, types))
    most = max(topic.count for topic in cameras)
    return min(cameras, key=lambda topic: _rank(topic, most))


def _rank(topic: PictureTopic, most: int) -> tuple[bool, bool, bool, bool, list[str | int]]:
    few = topic.count < MANY * most
    return topic.is_deep, not topic.has_calibration, few, not topic.is_colour, natural_key(topic.name)


def _cameras(topics: Iterable[PictureTopic]) -> list[PictureTopic]:
    """One topic for each camera: that with the most pictures; where two have as many, the uncompressed one."""
    best: dict[str, PictureTopic] = {}
    for topic in sorted(topics, key=lambda topic: (-topic.count, topic.type != RAW, topic.name)):
        best.setdefault(topic.camera, topic)
    return list(best.values())


def _find(bag: str, found: Sequence[PictureTopic], types: Mapping[str, str], wanted: str) -> PictureTopic:
    name = "/" + wanted.strip("/")
    same = [topic for topic in found if "/" + topic.name.strip("/") == name]
    same = same or _cameras(topic for topic in found if "/" + topic.camera.strip("/") == name and topic.is_picture)
    if not same:
        kind = next((f" of type {kind}" for topic, kind in types.items() if "/" + topic.strip("/") == name), "")
        what = f"its topic {name}{kind} holds no pictures that can be read" if kind else f"it has no topic {name}"
        raise FramesError(f"'{bag}': {what}; {_list(found) or 'nor has it any other camera'}")
    if same[0].is_depth:
        raise FramesError(f"'{bag}': {same[0].name} holds distances and no pictures: give a camera; {_list(found)}")
    if same[0].is_video:
        raise FramesError(_why_not_video(bag, same[0].name, same[0].encoding))
    return same[0]


def describe(topic: PictureTopic) -> str:
    """The topic with what tells people which one it is."""
    what = "depth" if topic.is_depth else topic.encoding or "pictures"
    return f"{topic.name} ({topic.count}, {what})"


def _list(found: Iterable[PictureTopic]) -> str:
    names = [describe(topic) for topic in found if topic.is_picture]
    return f"topics with pictures: {', '.join(names)}" if names else ""


def _why_none(bag: str, found: Sequence[PictureTopic], types: Mapping[str, str]) -> str:
    others = [(topic.name, topic.encoding) for topic in found if topic.is_video]
    others += [(name, OTHER_TRANSPORTS[kind]) for name, kind in types.items() if kind in OTHER_TRANSPORTS]
    if others:
        return _why_not_video(bag, *others[0])
    if found:
        return f"'{bag}' holds distances ({found[0].name}) but no pictures: record a camera's topic too"
    kinds = ", ".join(f"{name} ({kind})" for name, kind in list(types.items())[:3])
    more = f" and {len(types) - 3} more topics" if len(types) > 3 else ""
    holds = f"it holds {kinds}{more}" if kinds else "it holds no messages at all"
    return f"'{bag}' has no topic with pictures ({RAW} or CompressedImage): {holds}"


def _why_not_video(bag: str, topic: str, kind: str) -> str:
    return (
        f"'{bag}' holds pictures as {kind} (topic {topic}), which are not read: make a bag of them with "
        "'image_transport republish' to raw or compressed"
    )
