"""Runs a module as if packages were not installed: `without.py NAME,NAME... MODULE [ARGUMENTS]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))  # None: "not found" to whoever imports it
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
