"""The pose graph over windows: factors, a start that cannot get stuck, robust optimisation on Sim(3)."""

from .graph import GraphSolution, PoseGraph
from .measurements import Edge

__all__ = ["Edge", "GraphSolution", "PoseGraph"]
