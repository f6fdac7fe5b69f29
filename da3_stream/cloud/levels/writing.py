"""Writing a submap's levels of detail."""

from __future__ import annotations

from pathlib import Path

from ...store import Run
from ...store.files import replacing
from ..pages import page_chunks
from ..points import Points
from .building import build_nodes
from .layout import POINT_BYTES, blocks, pack_header


def write_levels(run: Run, submap: int, points: Points) -> None:
    """Store the levels of detail of a submap's points in one step; one without points has a file without nodes.

    Equal points give equal bytes. Raises StoreError for points that are not finite, and where the disk refuses.
    """
    _write(run.levels_path(submap), points)


def levels_of_page(run: Run, submap: int, path: Path) -> None:
    """Write the levels of detail of a submap's page to `path`: of a run that has no file of them. Takes about 170 bytes
    of memory a point.

    Raises StoreError if the page is absent or damaged, and where the disk refuses.
    """
    chunks = list(page_chunks(run, submap))
    _write(path, Points.concatenate(chunks) if chunks else Points.empty(1.0))


def _write(path: Path, points: Points) -> None:
    nodes, frames = build_nodes(points)
    entries, offset = [], 0
    for node in nodes:
        entries.append(node.entry(offset))
        offset += POINT_BYTES * len(node.place)
    with replacing(path) as file:
        file.write(pack_header(entries, frames))
        file.writelines(blocks(nodes))
