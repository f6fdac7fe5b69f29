"""The pose graph over submaps on Sim(3): factors, a linear start, and robust optimisation that rejects false loops."""

from .graph import GraphSolution, PoseGraph
from .measurements import Edge
from .relative_covariance import edges_around, mutual_information, relative_covariance

__all__ = ["Edge", "GraphSolution", "PoseGraph", "edges_around", "mutual_information", "relative_covariance"]
