"""The benchmarks of the network run from end to end at a tiny size, without the packages that a GPU machine has not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = Path(__file__).parent / "without.py"
NOT_THERE = "av,faiss,huggingface_hub,laspy,loky,matplotlib,PIL,pycolmap,pydantic,pypose,yaml,tqdm,trimesh,typer"


@pytest.mark.slow
def test_the_gpu_script_needs_little_and_fills_every_section(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    words = ["--device", "cpu", "--models", "tiny", "--sizes", "42x28", "--frames", "2,5", "--json", str(out)]
    command = [sys.executable, str(WITHOUT), NOT_THERE, "benchmarks.gpu", *words]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    rows = json.loads(out.read_text())["rows"]
    assert {row["what"] for row in rows} == {"parity", "windows", "streaming", "profile"}
    figures = {row["figure"] for row in rows}
    assert {"frames a second", "share of the matrix rate", "ours / baseline"} <= figures
    exact = [row for row in rows if row["figure"].startswith("float32")]
    assert len(exact) == 2 and all(row["holds"] == "yes" for row in exact)
    assert all(row["value"] > 0 for row in rows if row["what"] != "parity")
