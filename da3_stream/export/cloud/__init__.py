"""The merged cloud as files (PLY, LAS, LAZ, tiles) and as scenes (glTF, rerun), and samples of it for other formats."""
