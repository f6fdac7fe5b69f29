"""Measurements of a pose graph, and their validation: PoseGraphError for those that no solver could use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PoseGraphError
from ..geometry import Sim3
from ..geometry.covariance import diagonal_units
from .factors import Array

ROTATION_TOLERANCE = 1e-4  # largest element of R^T R - I: rotations that were stored as float32 pass


Node = int  # the name of a node, here the number of its submap; any hashable value works


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """A measured transform of node b in node a; without information the graph's default is used."""

    a: Node
    b: Node
    a_from_b: Sim3
    information: Array | None = None  # [7,7] of log(a_from_b^-1 truth)
    loop: bool = False

    @property
    def name(self) -> str:
        """The edge in error messages."""
        return f"edge from node {self.a} to node {self.b}"


@dataclass(frozen=True, eq=False)
class ObservedScale:
    """An observed log-scale of a node: absolute, or (relative) up to an unknown common to all relative ones."""

    node: Node
    log_scale: float
    sigma: float
    relative: bool


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction known in the world and measured in a node, both of unit length; sigma in radians."""

    node: Node
    in_node: Array  # [3]
    in_world: Array  # [3]
    sigma: float


@dataclass(frozen=True, eq=False)
class Position:
    """A point of a node whose position in the world is known."""

    node: Node
    in_node: Array  # [3]
    in_world: Array  # [3]
    information: Array  # [3,3], of the position in the world


@dataclass(frozen=True, eq=False)
class KnownPose:
    """A node whose transform to the world is known."""

    node: Node
    world_from_node: Sim3
    information: Array  # [7,7] of log(known^-1 truth)


def validate_edge(a: Node, b: Node, a_from_b: Sim3, information: ArrayLike | None, loop: bool) -> Edge:
    """The edge of these values; PoseGraphError if the nodes, the transform or the information are invalid."""
    name = f"edge from node {a} to node {b}"
    if a == b:
        raise PoseGraphError(f"the {name} joins a node to itself: an edge needs two different nodes")
    for node in (a, b):
        validate_node(node, name)
    validate_transform(a_from_b, name)
    matrix = None if information is None else validate_information(information, 7, name)
    return Edge(a, b, a_from_b, matrix, bool(loop))


def validate_node(node: Node, name: str) -> None:
    """Raise PoseGraphError if a node is not hashable."""
    try:
        hash(node)
    except TypeError as error:
        raise PoseGraphError(f"the {name} names node {node}: a number or a string is needed") from error


def validate_transform(transform: Sim3, name: str) -> None:
    """Raise PoseGraphError unless the transform is finite, of positive scale, and its rotation proper."""
    if not np.all(np.isfinite(transform.matrix())):
        raise PoseGraphError(f"the transform of the {name} has a NaN or an infinity in it: leave it out")
    rotation = transform.rotation
    proper = np.abs(rotation.T @ rotation - np.eye(3)).max() < ROTATION_TOLERANCE and np.linalg.det(rotation) > 0
    if transform.scale <= 0 or not proper:
        raise PoseGraphError(f"the transform of the {name} is no similarity: its scale or its rotation is improper")


def validate_information(information: ArrayLike, size: int, name: str) -> Array:
    """The matrix [size,size] as float64; PoseGraphError unless it is symmetric and positive semidefinite.

    Both are tested in units of its diagonal, so that the units of its rows do not matter.
    """
    matrix = np.asarray(information, np.float64)
    if matrix.shape != (size, size):
        raise PoseGraphError(f"the information of the {name} is {matrix.shape}, expected ({size}, {size})")
    if not np.all(np.isfinite(matrix)):
        raise PoseGraphError(f"the information of the {name} has a NaN or an infinity in it: leave it out")
    relative = matrix / diagonal_units(matrix)
    if np.abs(relative - relative.T).max() > 1e-6 or np.linalg.eigvalsh(relative)[0] < -1e-6:
        raise PoseGraphError(f"the information of the {name} must be symmetric without negative eigenvalues")
    return matrix if np.array_equal(matrix, matrix.T) else (matrix + matrix.T) / 2


def validate_vector(vector: ArrayLike, name: str) -> Array:
    """The vector [3] as float64; PoseGraphError unless it is three finite numbers."""
    array = np.asarray(vector, np.float64)
    if array.shape != (3,) or not np.all(np.isfinite(array)):
        raise PoseGraphError(f"the {name} needs three finite numbers, not {array.tolist()}")
    return array


def unit_direction(vector: ArrayLike, name: str) -> Array:
    """The vector [3] at unit length; PoseGraphError if it is zero or not finite."""
    array = validate_vector(vector, name)
    length = float(np.linalg.norm(array))
    if length == 0:
        raise PoseGraphError(f"the {name} has a direction of length zero")
    return array / length


def validate_sigma(sigma: float, name: str) -> None:
    """Raise PoseGraphError unless the standard deviation is finite and positive."""
    if not (np.isfinite(sigma) and sigma > 0):
        raise PoseGraphError(f"the {name} has sigma {sigma}: a positive number is needed")
