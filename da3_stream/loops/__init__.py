"""Revisited places: descriptors, their index, candidates, and verification by geometry."""
