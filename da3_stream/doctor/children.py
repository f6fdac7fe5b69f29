"""Python in processes of their own: what crashes or hangs there is told, and harms nothing here."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[2]  # where this package is, installed or not; the folder at work is not searched (-P)
_BEGIN = """
import json, os, sys
said = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print is no answer
def say(**answer):
    said.write(json.dumps(answer) + "\\n")
    said.flush()
"""
_IMPORT = """
import ctypes, importlib
def load_libusb():  # which open3d needs, and some machines lack
    try:
        import libusb_package
        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    except (ImportError, OSError):
        pass
for name in sys.argv[1:]:
    try:
        if name == "open3d":
            load_libusb()
        importlib.import_module(name)
    except BaseException as error:
        words = " ".join(str(error).split())
        say(ended=name, error=f"{type(error).__name__}: {words[:200]}".rstrip(": "))
    else:
        say(ended=name, error=None)
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended: what it answered, and why it is not all of it (None: it is)."""

    answers: tuple[dict[str, Any], ...]
    error: str | None


def ask(code: str, *words: str, limit_s: float) -> Ended:
    """What Python code says with `say(key=value, ...)`, for at most so long."""
    command = [sys.executable, "-P", "-c", f"{_BEGIN}sys.path.append({str(HOME)!r})\n{code}", *words]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        return Ended(_answers(error.stdout), f"it had not ended after {limit_s:g} s")
    except OSError as error:
        return Ended((), f"no process could be started: {error.strerror or error}")
    return Ended(_answers(done.stdout), _why(done))


def import_errors(modules: Sequence[str], limit_s: float) -> dict[str, str | None]:
    """For every module why it cannot be imported, None where it can; a crash costs those behind it nothing."""
    found: dict[str, str | None] = {}
    while waiting := [module for module in modules if module not in found]:
        ended = ask(_IMPORT, *waiting, limit_s=limit_s)
        found |= {answer["ended"]: answer["error"] for answer in ended.answers if "ended" in answer}
        culprit = next((module for module in waiting if module not in found), None)
        if culprit is not None:
            found[culprit] = ended.error
    return found


def _answers(output: bytes | None) -> tuple[dict[str, Any], ...]:
    lines = (output or b"").decode("utf-8", "replace").splitlines()
    return tuple(answer for line in lines if (answer := _read(line)) is not None)


def _read(line: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(line)
    except ValueError:  # cut short
        return None
    return answer if isinstance(answer, dict) else None


def _why(done: subprocess.CompletedProcess[bytes]) -> str | None:
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"it crashes the process ({_signal(-done.returncode)})"
    said = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return said[-1][:200] if said else f"it ends the process with status {done.returncode}"


def _signal(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
