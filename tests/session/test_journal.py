"""The journal counts the loops of all processes of a run."""

from __future__ import annotations

from pathlib import Path

from da3_stream.session.journal import Journal
from da3_stream.slam.update import Event
from da3_stream.store import create_run


def test_loops_of_earlier_processes_count(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run")
    first = Journal(run)
    first.tell_events([Event("loop", {"nodes": (0, 9)}), Event("loop refused", {"reason": "no"})])
    size = run.journal.size()
    first.tell(Event("loop", {"nodes": (1, 9)}))
    assert first.loops == 2
    run.journal.truncate(size)  # what no checkpoint holds is cut off
    second = Journal(run)
    second.restore()
    assert second.loops == 1
