"""Runs a script as if packages were not installed: `without.py NAME,NAME... SCRIPT [ARGUMENTS]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    script = Path(sys.argv[2]).resolve()
    sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))  # None: "not found" to whoever imports it
    sys.argv = [str(script), *sys.argv[3:]]
    sys.path[:0] = [str(script.parent), str(script.parents[1])]
    runpy.run_path(str(script), run_name="__main__")
