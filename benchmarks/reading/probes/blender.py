"""What Blender makes of a GLB, PLY or OBJ: by object its vertices and colours, and its cameras over their frames.

Run by the interpreter that has bpy; prints JSON.
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np

IMPORTERS = {
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".ply": lambda path: bpy.ops.wm.ply_import(filepath=path),
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path, up_axis="Z", forward_axis="Y"),
}


def colours_of(mesh: bpy.types.Mesh) -> list[list[float]]:
    """Linear colours of the first colour attribute, of its first rows."""
    if not len(mesh.color_attributes):
        return []
    attribute = mesh.color_attributes[0]
    values = np.zeros(4 * len(attribute.data), np.float32)
    attribute.data.foreach_get("color", values)
    return values.reshape(-1, 4)[:, :3].tolist()


def mesh_of(thing: bpy.types.Object) -> dict:
    """Vertices in Blender's world (z up), and colours."""
    places = np.zeros(3 * len(thing.data.vertices), np.float32)
    thing.data.vertices.foreach_get("co", places)
    matrix = np.array(thing.matrix_world)
    world = places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    attributes = list(thing.data.color_attributes)
    domain = attributes[0].domain if attributes else ""
    materials = [slot.material.name for slot in thing.material_slots if slot.material]
    polygons = len(thing.data.polygons)
    return {
        "vertices": world.tolist(),
        "colours": colours_of(thing.data) if domain == "POINT" else [],
        "polygons": polygons,
        "materials": materials,
    }


def flight_of(thing: bpy.types.Object) -> dict:
    """A camera's angle, and its matrix at every whole frame of the scene."""
    scene = bpy.context.scene
    action = thing.animation_data.action if thing.animation_data else None
    first, last = (int(round(x)) for x in (action.frame_range if action else (0, 0)))
    matrices = []
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        matrices.append([list(row) for row in thing.matrix_world])
    return {"angle_x": thing.data.angle_x, "matrices": matrices, "fps": scene.render.fps}


def main(path: str) -> None:
    """Import the file into an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    IMPORTERS[Path(path).suffix](path)
    bpy.context.view_layer.update()
    objects = list(bpy.data.objects)
    meshes = {each.name: mesh_of(each) for each in objects if each.type == "MESH"}
    cameras = {each.name: flight_of(each) for each in objects if each.type == "CAMERA"}
    print(json.dumps({"meshes": meshes, "cameras": cameras}))


main(sys.argv[1])
