"""GLB files read by the letter of the standard, with json and numpy alone, and what the standard asks of them."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
ASKS_FOR_BOUNDS = {"POSITION", "input"}


@dataclass
class Glb:
    """The JSON of a GLB and its binary chunk."""

    tree: dict[str, Any]
    binary: bytes

    def values(self, number: int) -> np.ndarray:
        """An accessor [N] or [N,width], as it is stored; integers that are normalised as numbers from 0 to 1."""
        accessor = self.tree["accessors"][number]
        view = self.tree["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(COMPONENTS[accessor["componentType"]]), WIDTHS[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        row = width * kind.itemsize
        assert view.get("byteStride", row) == row and start % 4 == 0 and row % 4 == 0
        assert accessor.get("byteOffset", 0) + accessor["count"] * row <= view["byteLength"]
        found = np.frombuffer(self.binary, kind, accessor["count"] * width, start).reshape(-1, width)
        if accessor.get("normalized"):
            found = found / np.iinfo(kind).max
        return found[:, 0] if width == 1 else found

    def node(self, name: str) -> dict[str, Any]:
        """The one node of a name."""
        (found,) = [node for node in self.tree["nodes"] if node.get("name") == name]
        return found

    def scene_from_node(self, name: str) -> np.ndarray:
        """The global transform [4,4] of the one node of a name."""
        (number,) = [k for k, node in enumerate(self.tree["nodes"]) if node.get("name") == name]
        matrix = local_matrix(self.tree["nodes"][number])
        while above := [k for k, node in enumerate(self.tree["nodes"]) if number in node.get("children", [])]:
            (number,) = above
            matrix = local_matrix(self.tree["nodes"][number]) @ matrix
        return matrix

    def attribute(self, name: str, attribute: str) -> np.ndarray:
        """An attribute of the one primitive of a node."""
        (primitive,) = self.tree["meshes"][self.node(name)["mesh"]]["primitives"]
        return self.values(primitive["attributes"][attribute])

    def moved(self, name: str, seconds: float) -> np.ndarray:
        """The local transform [4,4] of a node that an animation moves, at a time (appendix C: interpolation)."""
        (number,) = [k for k, node in enumerate(self.tree["nodes"]) if node.get("name") == name]
        node = dict(self.tree["nodes"][number])
        for animation in self.tree["animations"]:
            for channel in animation["channels"]:
                if channel["target"]["node"] == number:
                    node[channel["target"]["path"]] = self.sampled(animation["samplers"][channel["sampler"]], seconds)
        return local_matrix(node)

    def sampled(self, sampler: dict[str, Any], seconds: float) -> np.ndarray:
        """A sampler's output between the keys around a time: linear, or for quaternions along the great circle."""
        times, values = self.values(sampler["input"]).astype(np.float64), self.values(sampler["output"])
        assert sampler["interpolation"] == "LINEAR"
        after = int(np.clip(np.searchsorted(times, seconds), 1, len(times) - 1))
        share = np.clip((seconds - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)
        first, second = values[after - 1].astype(np.float64), values[after].astype(np.float64)
        angle = np.arccos(np.clip(abs(first @ second), 0, 1))
        if len(first) == 3 or angle < 1e-9:
            return (1 - share) * first + share * second
        second = second * np.sign(first @ second)
        return (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / np.sin(angle)

    def placed(self, name: str) -> np.ndarray:
        """The positions [N,3] of a node's mesh in the scene, in double precision."""
        matrix = self.scene_from_node(name)
        return self.attribute(name, "POSITION").astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def local_matrix(node: dict[str, Any]) -> np.ndarray:
    """parent_from_node [4,4]: of `matrix`, column by column, or of translation, rotation (x, y, z, w) and scale."""
    if "matrix" in node:
        assert not {"translation", "rotation", "scale"} & set(node)
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", [0, 0, 0, 1])
    assert abs(x * x + y * y + z * z + w * w - 1) < 1e-5
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= node.get("scale", [1, 1, 1])
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


def read_glb(data: bytes | Path) -> Glb:
    """Read a GLB; fails where it is not as the standard has it (sections 3.6, 3.7, 3.9, 3.11 and 4.4)."""
    data = data.read_bytes() if isinstance(data, Path) else data
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data)) and len(data) % 4 == 0
    size, kind = struct.unpack("<I4s", data[12:20])
    assert kind == b"JSON" and size % 4 == 0
    glb = Glb(json.loads(data[20 : 20 + size]), b"")
    if rest := data[20 + size :]:
        length, kind = struct.unpack("<I4s", rest[:8])
        assert kind == b"BIN\0" and length == len(rest) - 8 == glb.tree["buffers"][0]["byteLength"]
        glb.binary = rest[8:]
    check(glb)
    return glb


def check(glb: Glb) -> None:
    """What the standard asks of accessors, indices, normals, colours, materials and animations."""
    tree = glb.tree
    assert tree["asset"]["version"] == "2.0" and all(tree[name] for name in tree if isinstance(tree[name], list))
    for number, accessor in enumerate(tree["accessors"]):
        values = glb.values(number)
        assert len(values) == accessor["count"] > 0 and np.isfinite(values).all()
        if "min" in accessor:
            rows = values.reshape(len(values), -1)
            assert np.array_equal([accessor["min"], accessor["max"]], [rows.min(axis=0), rows.max(axis=0)])
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            check_primitive(glb, primitive)
    for animation in tree.get("animations", []):
        for sampler in animation["samplers"]:
            times = glb.values(sampler["input"])
            assert "min" in tree["accessors"][sampler["input"]]
            assert times[0] >= 0 and (np.diff(times) > 0).all() and len(times) == len(glb.values(sampler["output"]))


def check_primitive(glb: Glb, primitive: dict[str, Any]) -> None:
    attributes = primitive["attributes"]
    (count,) = {glb.tree["accessors"][number]["count"] for number in attributes.values()}
    assert "min" in glb.tree["accessors"][attributes["POSITION"]]
    if "NORMAL" in attributes:
        np.testing.assert_allclose(np.linalg.norm(glb.values(attributes["NORMAL"]), axis=1), 1, atol=1e-5)
    if "indices" in primitive:
        indices = glb.values(primitive["indices"])
        assert indices.max() < count and len(indices) % {1: 2, 4: 3}[primitive["mode"]] == 0
    material = glb.tree["materials"][primitive["material"]]
    assert (
        material["extensions"] == {"KHR_materials_unlit": {}}
        and material["pbrMetallicRoughness"]["metallicFactor"] == 0
    )
    assert "KHR_materials_unlit" in glb.tree["extensionsUsed"]


def camera_pixel(glb: Glb, name: str, point: np.ndarray, scene_from_camera: np.ndarray | None = None) -> np.ndarray:
    """Where the camera of a node sees a point [3] of the scene, in pixels of its extras: by yfov and aspectRatio, about
    the principal point, which the standard cannot say."""
    camera = glb.tree["cameras"][glb.node(name)["camera"]]
    lens, picture = camera["perspective"], camera["extras"]
    scene_from_camera = glb.scene_from_node(name) if scene_from_camera is None else scene_from_camera
    x, y, z, _ = np.linalg.inv(scene_from_camera) @ [*point, 1]
    reach = -z * np.tan(lens["yfov"] / 2)
    across, up = x / (lens["aspectRatio"] * reach), y / reach
    return np.array([picture["cx"] + across * picture["width"] / 2, picture["cy"] - up * picture["height"] / 2])


def linear(rgb: np.ndarray) -> np.ndarray:
    """The sRGB standard's linear values of bytes."""
    value = np.asarray(rgb, np.float64) / 255
    return np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
