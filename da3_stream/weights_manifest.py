"""The models that exist: names, addresses, licences, sizes (weights/manifest.yaml)."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml


def read_manifest() -> list[dict[str, Any]]:
    """One dictionary per checkpoint, as the manifest has it."""
    text = (resources.files("da3_stream") / "weights" / "manifest.yaml").read_text()
    models: list[dict[str, Any]] = yaml.safe_load(text)["models"]
    return models


def weights_text() -> str:
    """The manifest as a table for the terminal."""
    rows = [("name", "hub id", "parameters", "licence", "gives")]
    for model in read_manifest():
        rows.append((model["name"], model["hub_id"], model["parameters"], model["licence"], ", ".join(model["gives"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
