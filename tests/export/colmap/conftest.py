"""One short run through the town, made once; tests that change it take a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.town_run import Truth, run_town, write_pictures


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a folder of JPEG files."""
    folder = tmp_path_factory.mktemp("town")
    return run_town(write_pictures(folder / "pictures", ".jpg"), folder / "run", Truth())
