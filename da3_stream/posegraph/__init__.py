"""The pose graph over windows: factors, a start that cannot get stuck, robust optimisation on Sim(3)."""

from .graph import GraphSolution, PoseGraph

__all__ = ["GraphSolution", "PoseGraph"]
