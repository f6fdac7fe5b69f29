"""What is measured of a run is what it takes: memory, time, files, its own processes, growth per frame."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling.footprint import Sampler, Track, cpu_seconds, descendants, rss_bytes

PATIENCE_S = 120.0


def test_a_line_is_fitted_after_the_beginning() -> None:
    frames = np.arange(0, 1000, 7)
    grown = np.where(frames < 200, 5.0 * frames, 1000 + 0.25 * (frames - 200))
    track = Track([{"frames": float(f), "mib": float(v)} for f, v in zip(frames, grown, strict=True)])
    assert track.slope("mib", 200) == pytest.approx(0.25)
    assert track.at(203.5)["mib"] == pytest.approx(1000.875)
    assert np.isnan(track.slope("mib", 990))


def test_a_child_is_found_and_its_memory_and_time_are_counted() -> None:
    work = (
        "import time\nkept = bytes(range(256)) * 400_000\nsum(range(3_000_000))\nprint(1, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in set(descendants(os.getpid()))
        assert rss_bytes(child.pid) > 100e6
        assert cpu_seconds(child.pid) > 0
        child.kill()
    assert child.pid not in set(descendants(os.getpid()))
    assert rss_bytes(child.pid) == 0


def test_the_sampler_sees_scratch_while_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run, scratch = tmp_path / "run", tmp_path / f"scratch_of_a_test_{os.getpid()}_x"
    run.mkdir()
    (tmp_path / "scratch_of_a_test_0_somebody_else").mkdir()
    (tmp_path / "scratch_of_a_test_0_somebody_else" / "file").write_bytes(bytes(30 << 20))
    (run / "run.json").write_text(json.dumps({"frames": 12}))
    with Sampler(run, "scratch_of_a_test_", 0.02) as sampler:
        scratch.mkdir()
        (scratch / "file").write_bytes(bytes(3 << 20))
        until = time.monotonic() + PATIENCE_S
        while not any(sample["scratch_mib"] >= 3 for sample in sampler._samples):
            assert time.monotonic() < until
            time.sleep(0.01)
        (scratch / "file").unlink()
    track = sampler.track()
    assert track["scratch_mib"][-1] == 0
    assert track["scratch_mib"].max() < 4
    assert (track["frames"] == 12).all()
    assert (track["main_mib"] > 1).all()
