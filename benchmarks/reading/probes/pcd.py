"""What pypcd4 reads of a PCD file: pcd.py FILE OUT.npz."""

import json
import sys

import numpy as np
import pypcd4

cloud = pypcd4.PointCloud.from_path(sys.argv[1])
packed = cloud.pc_data["rgb"].view(np.uint32)
rgb = np.stack([packed >> shift & 255 for shift in (16, 8, 0)], axis=1)
np.savez(sys.argv[2], xyz=cloud.numpy(("x", "y", "z")), rgb=rgb)
print(json.dumps({"points": cloud.points, "fields": list(cloud.fields)}))
