"""Masks by hand: images that say where the pictures of an input count, given or found beside the pictures."""
