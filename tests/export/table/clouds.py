"""Clouds and meshes, read by other programs' readers: points, colours, and where they lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from da3_stream.export.mesh.tsdf import import_open3d
from tests.export.table.exported import (
    Array,
    Exported,
    check_anchor,
    check_units,
    file_from_world,
    map_unit,
    read_glb,
    to_world,
)
from tests.worlds.known_street import LANDMARK, LANDMARK_RGB, colours_at, off_edge, off_surface

Cloud = tuple[Array, NDArray[np.float64]]  # positions [M,3] in the file's coordinates, sRGB colours [M,3] of 255

MANY = 5_000  # points of the runs' clouds, at least
AMBIGUOUS = 0.01  # of the world: nearer to an edge between tiles, rounding decides the colour


def by_open3d(path: Path) -> Cloud:
    cloud = import_open3d().io.read_point_cloud(str(path))
    return np.asarray(cloud.points), np.asarray(cloud.colors) * 255


def by_pye57(path: Path) -> Cloud:
    import pye57

    with pye57.E57(str(path)) as file:
        scan = file.read_scan(0, colors=True, ignore_missing_fields=True)
    names = [f"cartesian{axis}" for axis in "XYZ"], [f"color{colour}" for colour in ("Red", "Green", "Blue")]
    xyz, rgb = (np.stack([scan[name] for name in some], axis=1).astype(np.float64) for some in names)
    return xyz, rgb


def by_laspy(path: Path) -> Cloud:
    import laspy

    las = laspy.read(path)
    return np.asarray(las.xyz), np.stack([las.red, las.green, las.blue], axis=1) / 257.0


def by_laspy_tiles(path: Path) -> Cloud:
    """All tiles; their boxes and counts in tiles.json are those of their points."""
    parts = []
    for entry in json.loads((path / "tiles.json").read_text())["tiles"]:
        xyz, rgb = by_laspy(path / entry["file"])
        assert len(xyz) == entry["points"]
        np.testing.assert_allclose([entry["min"], entry["max"]], [xyz.min(axis=0), xyz.max(axis=0)], atol=1e-9)
        parts.append((xyz, rgb))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def by_copc(path: Path) -> Cloud:
    """All levels of detail together."""
    import laspy

    with laspy.CopcReader.open(path) as reader:
        points = reader.query()
        assert len(points) == reader.header.point_count
    return np.stack([points.x, points.y, points.z], axis=1), np.stack(
        [points.red, points.green, points.blue], 1
    ) / 257.0


def by_tiles3d(path: Path) -> Cloud:
    """In the coordinates of the record: the contents of all tiles, which lie z up in them (3D Tiles 1.1, 6.7.1.6.3)."""
    root = json.loads((path / "tileset.json").read_text())["root"]
    parts, waiting = [], [root]
    while waiting:
        tile = waiting.pop()
        waiting += tile.get("children", [])
        if "content" in tile:
            xyz, rgb = by_gltf(path / tile["content"]["uri"], None)
            parts.append((xyz @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).T, rgb))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def check_on_earth(exported: Exported) -> None:
    """The tiles' points, brought to the Earth by the root's matrix and back to the map by PROJ, lie on the street."""
    from pyproj import Transformer

    check_frame(by_tiles3d)(exported)
    place = exported.run.kind.georeference
    assert place is not None
    root = np.array(json.loads((exported.path / "tileset.json").read_text())["root"]["transform"]).reshape(4, 4).T
    xyz, _ = by_tiles3d(exported.path)
    ecef = xyz @ root[:3, :3].T + root[:3, 3]
    longitude, latitude, height = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True).transform(*ecef.T)
    across = Transformer.from_crs("EPSG:4326", place.crs, always_xy=True).transform(longitude, latitude)
    on_map = np.stack([*across, height / map_unit(place.crs)], axis=1)
    world = place.geographic_from_world.inverse().apply(on_map)
    assert np.quantile(off_surface(world), 0.99) < 20 * exported.closeness  # the grid is not the ground: a few mm


def by_gltf(path: Path, node: str | None = "points") -> Cloud:
    """By the standard: a node's world matrix over its positions, and COLOR_0, which is linear; None for the only node
    with a mesh."""
    tree, binary = read_glb(path)
    matrix, mesh = _find_node(tree, node)
    (primitive,) = tree["meshes"][mesh]["primitives"]
    xyz = accessor(tree, binary, primitive["attributes"]["POSITION"]).astype(np.float64)
    rgb = accessor(tree, binary, primitive["attributes"]["COLOR_0"])
    linear = rgb[:, :3] / (1.0 if rgb.dtype.kind == "f" else np.iinfo(rgb.dtype).max)
    return xyz @ matrix[:3, :3].T + matrix[:3, 3], srgb(linear) * 255


def by_trimesh(path: Path) -> Cloud:
    """A mesh's vertices."""
    import trimesh

    mesh = trimesh.load(path, process=False)
    return np.asarray(mesh.vertices), np.asarray(mesh.visual.vertex_colors)[:, :3].astype(np.float64)


def by_rrd(path: Path) -> Cloud:
    from tests.export.recordings import chunks_of, column

    parts = [batches for entity, batches in chunks_of(path).items() if entity.startswith("/world/points")]
    xyz = np.concatenate([np.array(row) for batches in parts for row in column(batches, "Points3D:positions") if row])
    packed = np.concatenate([np.array(row) for batches in parts for row in column(batches, "Points3D:colors") if row])
    rgb = np.stack([packed.astype(np.uint32) >> shift & 255 for shift in (24, 16, 8)], axis=1)
    return xyz.astype(np.float64).reshape(-1, 3), rgb.astype(np.float64)


def check_frame(read: Callable[[Path], Cloud], *, slack: float = 1.0, many: int = MANY) -> Callable[[Exported], None]:
    """The points lie on the street after the documented transform; its one odd tile is where it is.

    `slack` times the usual closeness, for what is not the depth's own (a mesh)."""

    def check(exported: Exported) -> None:
        xyz, rgb = read(exported.path)
        world = to_world(exported, xyz)
        assert len(world) >= many and np.isfinite(world).all()
        off = off_surface(world)
        assert np.quantile(off, 0.99) < slack * exported.closeness, f"points lie {np.quantile(off, 0.99)} off"
        odd = np.abs(rgb - LANDMARK_RGB).max(axis=1) < 12
        assert odd.any() and np.abs(world[odd] - LANDMARK).max() < 0.2 + 0.05 * slack
        check_anchor(exported)

    return check


def check_colours(
    read: Callable[[Path], Cloud], *, within: float = 1.5, share: float = 0.99
) -> Callable[[Exported], None]:
    """Nearly all points have the colour of their place in the world."""

    def check(exported: Exported) -> None:
        xyz, rgb = read(exported.path)
        world = to_world(exported, xyz)
        clear = off_edge(world) > AMBIGUOUS
        off = np.abs(colours_at(world[clear]).astype(np.float64) - rgb[clear]).max(axis=1)
        assert (off < within).mean() > share, f"{(off < within).mean():.3f} of the points have their colour"

    return check


def check_nothing_unknown(read: Callable[[Path], Cloud]) -> Callable[[Exported], None]:
    """Frames without a pose leave neither points nor NaN."""

    def check(exported: Exported) -> None:
        xyz, _ = read(exported.path)
        assert len(xyz) and np.isfinite(xyz).all()

    return check


def check_unlit(node: str) -> Callable[[Exported], None]:
    """Colours are linear in 16 bits, and shown as they are; unit normals."""

    def check(exported: Exported) -> None:
        tree, binary = read_glb(exported.path)
        _, mesh = _find_node(tree, node)
        (primitive,) = tree["meshes"][mesh]["primitives"]
        assert tree["accessors"][primitive["attributes"]["COLOR_0"]]["componentType"] == 5123
        assert "KHR_materials_unlit" in tree["materials"][primitive["material"]]["extensions"]
        normals = accessor(tree, binary, primitive["attributes"]["NORMAL"])
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-3)
        check_colours(lambda path: by_gltf(path, node), share=0.99 if node == "points" else 0.4)(exported)

    return check


def check_las_crs(exported: Exported) -> None:
    """Units, and the coordinate system that laspy finds, in its WKT record of version 1 too."""
    import laspy

    check_units(exported)
    paths = sorted(exported.path.glob("*.laz")) if exported.path.is_dir() else [exported.path]
    with laspy.open(paths[0]) as reader:
        crs, place = reader.header.parse_crs(), exported.run.kind.georeference
    assert (crs is None) == (place is None)
    if place is not None:
        assert f"EPSG:{crs.to_epsg()}" == place.crs


def accessor(tree: dict, binary: bytes, number: int) -> NDArray:
    """An accessor's rows, by the standard."""
    kinds = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
    entry = tree["accessors"][number]
    view, dtype = tree["bufferViews"][entry["bufferView"]], np.dtype(kinds[entry["componentType"]])
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[entry["type"]]
    start, stride = (
        view.get("byteOffset", 0) + entry.get("byteOffset", 0),
        view.get("byteStride", width * dtype.itemsize),
    )
    rows = np.ndarray((entry["count"], width), dtype, binary, start, (stride, dtype.itemsize))
    return rows[:, 0] if width == 1 else rows


def srgb(linear: NDArray) -> NDArray:
    """sRGB's curve (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def node_matrix(node: dict) -> Array:
    """Of a glTF node, [4,4]."""
    from scipy.spatial.transform import Rotation

    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(node.get("rotation", [0, 0, 0, 1])).as_matrix() * node.get("scale", [1, 1, 1])
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


def nodes(tree: dict) -> dict[str, tuple[Array, dict]]:
    """World matrix and node by name, over the whole scene."""
    found: dict[str, tuple[Array, dict]] = {}

    def walk(number: int, above: Array) -> None:
        node = tree["nodes"][number]
        matrix = above @ node_matrix(node)
        found[node.get("name", str(number))] = matrix, node
        for child in node.get("children", ()):
            walk(child, matrix)

    for root in tree["scenes"][tree.get("scene", 0)]["nodes"]:
        walk(root, np.eye(4))
    return found


def _find_node(tree: dict, name: str | None) -> tuple[Array, int]:
    found = nodes(tree)
    if name is None:
        (name,) = (each for each, (_, node) in found.items() if "mesh" in node)
    matrix, node = found[name]
    return matrix, node["mesh"]


def check_gltf_axes(exported: Exported) -> None:
    """y points up: the ground's normal, which is the world's -y, in glTF's axes."""
    turn = file_from_world(exported)[:3, :3]
    up = turn @ [0.0, -1.0, 0.0]
    assert up[1] / np.linalg.norm(up) > 0.99
