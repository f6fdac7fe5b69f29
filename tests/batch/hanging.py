"""A batch of processes that hang until they are told to end, and end well when they are begun again: as a module it is
one, `python -m tests.batch.hanging DIR NAME...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from da3_stream.batch import How, run_batch
from da3_stream.batch.child import Child
from da3_stream.batch.places import LocalProcess, Process, Share
from da3_stream.cli.console import stoppable
from tests.batch.fakes import FakePlace, FakeProber, videos

# `run -o OUT … -- INPUT` and a process of its own
RUN = """
import json, os, pathlib, signal, subprocess, time
out, what = pathlib.Path(sys.argv[sys.argv.index("-o") + 1]), pathlib.Path(sys.argv[-1]).stem
def state(text): (out / "run.json").write_text(json.dumps({"state": text}))
again = out.exists()
out.mkdir(exist_ok=True)
if what.startswith("hang") and not again:
    state("running")
    signal.signal(signal.SIGTERM, lambda *_: (state("interrupted"), sys.exit(143)))
    helper = subprocess.Popen(["sleep", "60"])
    (out / "pids.tmp").write_text(f"{os.getpid()} {helper.pid}")
    (out / "pids.tmp").rename(out / "pids")
    time.sleep(60)
state("finished")
print(json.dumps({"event": "result", "frames": 10, "placed": 10}), file=sys.stderr)
"""


class HangingPlace(FakePlace):
    """Where these run."""

    def start(self, words: Sequence[str], share: Share) -> Process:
        return LocalProcess(Child(RUN, words))


PLACE = HangingPlace()

if __name__ == "__main__":
    with stoppable("the rest"):
        run_batch(videos(*sys.argv[2:]), Path(sys.argv[1]), How(), lambda: [PLACE], FakeProber())
