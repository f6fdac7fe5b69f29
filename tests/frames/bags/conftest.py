"""Bags that are written on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_typestore

RAW, COMPRESSED, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"
START_NS = 1_403_636_579_763_555_584  # as EuRoC's clocks; a float64 of seconds holds it within 120 ns
STEP_NS = 50_000_000


@lru_cache
def typestore(is_ros1: bool) -> Any:
    return get_typestore(Stores.ROS1_NOETIC if is_ros1 else Stores.LATEST)


@dataclass
class BagWriter:
    """Writes messages to a bag of any kind: `kind` is mcap, db3 or bag."""

    path: Path
    kind: str
    compression: str = ""
    store: Any = field(init=False)
    rows: list[tuple[int, str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = typestore(self.kind == "bag")

    def make(self, name: str, **values: Any) -> Any:
        """A message of a type of sensor_msgs, std_msgs or builtin_interfaces."""
        return self.store.types[name](**values)

    def header(self, stamp_ns: int, frame_id: str = "camera") -> Any:
        stamp = self.make("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        first = {"seq": 0} if self.kind == "bag" else {}
        return self.make("std_msgs/msg/Header", **first, stamp=stamp, frame_id=frame_id)

    def add(self, topic: str, message: Any, logged_ns: int) -> None:
        self.rows.append((logged_ns, topic, message.__msgtype__, message))

    def add_raw(
        self,
        topic: str,
        samples: np.ndarray,
        encoding: str,
        stamp_ns: int,
        size: tuple[int, int] | None = None,
        step: int | None = None,
        logged_ns: int | None = None,
        big: bool = False,
    ) -> None:
        """A sensor_msgs/Image of samples [H,W] or [H,W,C]; `size` (width, height) where rows are not the picture's."""
        width, height = size or (samples.shape[1], samples.shape[0])
        rows = samples.reshape(samples.shape[0], -1)
        message = self.make(
            RAW,
            header=self.header(stamp_ns),
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=int(big),
            step=rows.shape[1] * samples.itemsize if step is None else step,
            data=np.ascontiguousarray(rows).view(np.uint8).reshape(-1),
        )
        self.add(topic, message, stamp_ns + 7_000_000 if logged_ns is None else logged_ns)

    def add_compressed(self, topic: str, data: bytes, image_format: str, stamp_ns: int) -> None:
        message = self.make(
            COMPRESSED, header=self.header(stamp_ns), format=image_format, data=np.frombuffer(data, np.uint8)
        )
        self.add(topic, message, stamp_ns + 7_000_000)

    def add_info(self, topic: str, stamp_ns: int, **values: Any) -> None:
        """A sensor_msgs/CameraInfo; `k`, `d`, `r`, `p` as in ROS 2."""
        facts: dict[str, Any] = dict(height=64, width=96, distortion_model="plumb_bob", binning_x=0, binning_y=0)
        facts |= {"d": [0.0] * 5, "k": [0.0] * 9, "r": np.eye(3).ravel(), "p": [0.0] * 12} | values
        roi = facts.pop("roi", (0, 0, 0, 0))
        facts["roi"] = self.make(
            "sensor_msgs/msg/RegionOfInterest",
            **dict(zip(("x_offset", "y_offset", "width", "height"), roi, strict=True)),
            do_rectify=False,
        )
        for name in "dkrp":
            facts[name.upper() if self.kind == "bag" else name] = np.array(facts.pop(name), np.float64)
        self.add(topic, self.make(INFO, header=self.header(stamp_ns), **facts), stamp_ns + 7_000_000)

    def write(self) -> Path:
        """The bag's path: a folder of ROS 2, a file of ROS 1."""
        writer = self._ros1_writer() if self.kind == "bag" else self._ros2_writer()
        with writer:
            connections: dict[tuple[str, str], Any] = {}
            for logged, topic, kind, message in sorted(self.rows, key=lambda row: row[0]):
                if (topic, kind) not in connections:
                    connections[topic, kind] = writer.add_connection(topic, kind, typestore=self.store)
                serialize = self.store.serialize_ros1 if self.kind == "bag" else self.store.serialize_cdr
                writer.write(connections[topic, kind], logged, serialize(message, kind))
        return self.path

    def _ros1_writer(self) -> Any:
        writer = rosbag1.Writer(self.path)
        if self.compression:
            writer.set_compression(rosbag1.Writer.CompressionFormat[self.compression.upper()])
        return writer

    def _ros2_writer(self) -> Any:
        plugin = StoragePlugin.MCAP if self.kind == "mcap" else StoragePlugin.SQLITE3
        writer = rosbag2.Writer(self.path, version=9, storage_plugin=plugin)
        if self.compression:
            writer.set_compression(CompressionMode[self.compression.upper()], CompressionFormat.ZSTD)
        return writer


@pytest.fixture
def new_bag(tmp_path: Path) -> Callable[..., BagWriter]:
    def make(kind: str = "mcap", name: str = "drive", compression: str = "") -> BagWriter:
        return BagWriter(tmp_path / (f"{name}.bag" if kind == "bag" else name), kind, compression)

    return make
