"""3D Tiles 1.1: the merged cloud of a located run with levels of detail, for globes."""
