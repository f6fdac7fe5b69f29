"""Procedural textures: walls, roads, plants and sky, and the atlas from which surfaces are coloured."""
