"""Predictions on a cluster of Ray: a pool of actors, each with a predictor of its own; the only room that knows Ray."""

from .engine import RayEngine

__all__ = ["RayEngine"]
