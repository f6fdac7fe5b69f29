"""What rerun's own reader finds in a recording."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest


def chunks_of(path: Path) -> dict[str, list[Any]]:
    """Arrow tables by entity."""
    reader = pytest.importorskip("rerun.chunk", reason="rerun-sdk is not installed").RrdReader(path)
    found = defaultdict(list)
    for chunk in reader.stream():
        found[chunk.entity_path].append(chunk.to_record_batch())
    return found


def column(batches: list[Any], name: str) -> list[Any]:
    """The values of a component, one per row."""
    rows = []
    for batch in batches:
        if name in batch.schema.names:
            rows += batch.column(name).to_pylist()
    return rows
