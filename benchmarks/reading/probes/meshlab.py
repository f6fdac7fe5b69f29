"""What MeshLab reads of a mesh or a cloud: counts, corners of the box, mean colour."""

import json
import sys

import numpy as np
import pymeshlab

meshes = pymeshlab.MeshSet()
meshes.load_new_mesh(sys.argv[1])
mesh = meshes.current_mesh()
places, colours = mesh.vertex_matrix(), mesh.vertex_color_matrix()
found = {
    "vertices": mesh.vertex_number(),
    "faces": mesh.face_number(),
    "low": places.min(axis=0).tolist(),
    "high": places.max(axis=0).tolist(),
    "colour": (255 * np.mean(colours[:, :3], axis=0)).tolist(),
}
print(json.dumps(found))
