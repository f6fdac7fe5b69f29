"""What may be added to a pose graph, and the sentences that refuse what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PoseGraphError
from ..geometry import Sim3
from ..geometry.covariance import diagonal_units
from .group import Array

TURNED = 1e-4  # how far R^T R may be from the identity: rotations that went through float32 pass


Node = int  # of a graph: a submap's number, as everybody else counts it; anything hashable serves


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """Where node b lies in node a; without information the graph's default holds."""

    a: Node
    b: Node
    a_from_b: Sim3
    information: Array | None = None  # [7,7] of log(a_from_b^-1 truth)
    loop: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"edge from window {self.a} to window {self.b}"


@dataclass(frozen=True, eq=False)
class ObservedScale:
    """The log-scale of a node, or (relative) its difference from one unknown that is common to all such."""

    node: Node
    log_scale: float
    sigma: float
    relative: bool


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction of the world seen in a node, both of unit length; sigma in radians."""

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
    """A node whose transform is known."""

    node: Node
    world_from_node: Sim3
    information: Array  # [7,7] of log(known^-1 truth)


def checked_edge(a: Node, b: Node, a_from_b: Sim3, information: ArrayLike | None, loop: bool) -> Edge:
    """The edge, or PoseGraphError for one that no solver could use."""
    name = f"edge from window {a} to window {b}"
    if a == b:
        raise PoseGraphError(f"the {name} joins a window to itself: an edge needs two different windows")
    for node in (a, b):
        check_node(node, name)
    check_transform(a_from_b, name)
    matrix = None if information is None else checked_information(information, 7, name)
    return Edge(a, b, a_from_b, matrix, bool(loop))


def check_node(node: Node, name: str) -> None:
    """Nodes are looked up by their names."""
    try:
        hash(node)
    except TypeError as error:
        raise PoseGraphError(f"the {name} names window {node}: a number or a string is needed") from error


def check_transform(transform: Sim3, name: str) -> None:
    """A proper similarity: finite, of positive scale, with a rotation that is one."""
    if not np.all(np.isfinite(transform.matrix())):
        raise PoseGraphError(f"the transform of the {name} has a NaN or an infinity in it: leave it out")
    rotation = transform.rotation
    proper = np.abs(rotation.T @ rotation - np.eye(3)).max() < TURNED and np.linalg.det(rotation) > 0
    if transform.scale <= 0 or not proper:
        raise PoseGraphError(f"the transform of the {name} is no similarity: its scale or its rotation is improper")


def checked_information(information: ArrayLike, size: int, name: str) -> Array:
    """The matrix [size,size], symmetric and without negative eigenvalues (whatever the units of its rows)."""
    matrix = np.asarray(information, np.float64)
    if matrix.shape != (size, size):
        raise PoseGraphError(f"the information of the {name} is {matrix.shape}, expected ({size}, {size})")
    if not np.all(np.isfinite(matrix)):
        raise PoseGraphError(f"the information of the {name} has a NaN or an infinity in it: leave it out")
    relative = matrix / diagonal_units(matrix)
    if np.abs(relative - relative.T).max() > 1e-6 or np.linalg.eigvalsh(relative)[0] < -1e-6:
        raise PoseGraphError(f"the information of the {name} must be symmetric without negative eigenvalues")
    return matrix if np.array_equal(matrix, matrix.T) else (matrix + matrix.T) / 2


def checked_vector(vector: ArrayLike, name: str) -> Array:
    """Three finite numbers."""
    found = np.asarray(vector, np.float64)
    if found.shape != (3,) or not np.all(np.isfinite(found)):
        raise PoseGraphError(f"the {name} needs three finite numbers, not {found.tolist()}")
    return found


def checked_direction(vector: ArrayLike, name: str) -> Array:
    """Three numbers made a unit vector."""
    found = checked_vector(vector, name)
    length = float(np.linalg.norm(found))
    if length == 0:
        raise PoseGraphError(f"the {name} has a direction of length zero")
    return found / length


def check_sigma(sigma: float, name: str) -> None:
    """A standard deviation is a positive number."""
    if not (np.isfinite(sigma) and sigma > 0):
        raise PoseGraphError(f"the {name} has sigma {sigma}: a positive number is needed")
