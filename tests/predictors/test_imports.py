"""What a worker process imports before its first piece of work: each of them pays for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEEDLESS = ("pydantic", "torch", "faiss", "matplotlib", "av", "laspy")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["matching.tracks", "matching.feature_cache", "processes.process", "depth"])
def test_a_worker_of_sfm_imports_neither_settings_nor_what_other_stages_need(module: str) -> None:
    code = f"import sys, da3_stream.predictors.sfm.{module}\nprint([m for m in {NEEDLESS} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
