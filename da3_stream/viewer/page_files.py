"""The files of the page, as `make assets` built them into the folder `assets`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "assets"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def asset_names() -> frozenset[str]:
    """Of all files that a browser may ask for."""
    return frozenset(file.name for file in FOLDER.iterdir() if file.suffix in KINDS)


def read_asset(name: str) -> bytes:
    """A file by its name. Raises KeyError where there is none."""
    if name not in asset_names():
        raise KeyError(name)
    return (FOLDER / name).read_bytes()
