"""A plot of a comparison: the path from above, coloured by its error, and the error along the path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import EvaluationError
from .metrics import path_distances

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_trajectories(path: Path, truth: NDArray[np.float64], aligned: NDArray[np.float64], title: str = "") -> None:
    """Write a PNG of true and aligned positions [N,3] in metres, seen along the axis of the truth's least extent.

    Raises EvaluationError if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    errors = np.linalg.norm(truth - aligned, axis=1)
    figure = Figure(figsize=(8, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1])
    _draw_paths(top, _principal_plane(truth, truth), _principal_plane(truth, aligned), errors)
    _draw_errors(bottom, path_distances(truth), errors)
    top.set_title(title)
    try:
        figure.savefig(path, format="png", metadata={"Software": None})
    except OSError as error:
        raise EvaluationError(f"cannot write the plot {path}: {error.strerror or error}") from error


def _principal_plane(reference: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions [N,2] along the two principal axes of the reference, about its mean."""
    centre = reference.mean(axis=0)
    _, _, axes = np.linalg.svd(reference - centre, full_matrices=False)
    return (positions - centre) @ axes[:2].T


def _draw_paths(
    axes: Axes, truth: NDArray[np.float64], aligned: NDArray[np.float64], errors: NDArray[np.float64]
) -> None:
    axes.plot(truth[:, 0], truth[:, 1], color="0.55", linewidth=2.5, label="truth")
    dots = axes.scatter(aligned[:, 0], aligned[:, 1], s=6, c=errors, cmap="viridis", label="estimate", zorder=3)
    axes.plot(*truth[0], "k^", markersize=7, label="start")
    axes.figure.colorbar(dots, ax=axes, label="error (m)")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xlabel="first principal axis (m)", ylabel="second principal axis (m)")
    axes.legend(loc="best")
    axes.grid(alpha=0.3)


def _draw_errors(axes: Axes, along: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
    axes.plot(along, errors, color="tab:blue")
    axes.axhline(float(np.sqrt(np.mean(errors**2))), color="tab:red", linestyle="--", label="RMSE")
    axes.set(xlabel="along the true path (m)", ylabel="error (m)", ylim=(0, None))
    axes.legend(loc="best")
    axes.grid(alpha=0.3)
