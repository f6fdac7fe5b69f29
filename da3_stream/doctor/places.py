"""Where runs go, and where people look at them: the folder of runs, the terminal, PROJ's grids."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ..machine import size_text
from .finding import Finding, State

BLOCK, MOST_BYTES, MOST_S = 4 << 20, 64 << 20, 1.0  # of the file that is written
LEAST_FREE, LEAST_BYTES_A_SECOND = 2 << 30, 20e6


def find_disk(runs: Path) -> Finding:
    """Free space and speed of the disk that runs are written to; where the folder is not there yet, of the one above.

    At most 64 MiB are written, for about a second, and removed.
    """
    folder = next(path for path in (runs.absolute(), *runs.absolute().parents) if path.is_dir())
    cure = "da3-stream run INPUT -o /another/disk/NAME"
    try:
        free, speed = shutil.disk_usage(folder).free, _write_speed(folder)
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror or error}"
        return Finding("disk", text, State.WARNING, "write runs elsewhere", cure, {"folder": str(folder)})
    facts = {"folder": str(folder), "free_bytes": free, "write_bytes_per_second": round(speed)}
    text = f"{folder}: {size_text(free)} free, writes {size_text(speed)} a second"
    if free < LEAST_FREE:
        return Finding("disk", text, State.WARNING, "long runs need more room: write them elsewhere", cure, facts)
    if speed < LEAST_BYTES_A_SECOND:
        return Finding("disk", text, State.WARNING, "slow disks slow runs down: write them elsewhere", cure, facts)
    return Finding("disk", text, facts=facts)


def _write_speed(folder: Path) -> float:
    """Bytes a second, until they are on the disk."""
    block, written = os.urandom(BLOCK), 0
    with tempfile.TemporaryFile(dir=folder, prefix=".da3_stream_doctor_") as file:
        start = time.monotonic()
        while written < MOST_BYTES and time.monotonic() - start < MOST_S:
            written += file.write(block)
            file.flush()
            os.fsync(file.fileno())
        return written / max(time.monotonic() - start, 1e-6)


def find_locale() -> Finding:
    """The encoding of what is printed and of file names."""
    output, names = sys.stdout.encoding or "unknown", sys.getfilesystemencoding()
    facts = {"output": output, "file_names": names, "locale": locale.setlocale(locale.LC_CTYPE)}
    if {output.lower().replace("-", ""), names.lower().replace("-", "")} == {"utf8"}:
        return Finding("locale", f"UTF-8 ({facts['locale']})", facts=facts)
    advice = "file names and signs beyond ASCII are in danger: say that this is UTF-8"
    return Finding("locale", f"{output}, file names {names}", State.WARNING, advice, "export PYTHONUTF8=1", facts)


def find_terminal() -> Finding:
    """What can be shown here."""
    is_terminal, name = sys.stdout.isatty(), os.environ.get("TERM", "")
    size = shutil.get_terminal_size()
    colours = is_terminal and name not in ("", "dumb") and "NO_COLOR" not in os.environ
    facts = {"is_terminal": is_terminal, "name": name, "columns": size.columns, "lines": size.lines, "colours": colours}
    if not is_terminal:
        return Finding("terminal", "none: output goes to a file or a pipe, plain", facts=facts)
    text = f"{name or 'unnamed'}, {size.columns} x {size.lines}, {'with' if colours else 'without'} colours"
    if size.columns < 80:
        return Finding("terminal", text, State.NOTE, "screens are made for 80 columns: widen the window", None, facts)
    return Finding("terminal", text, facts=facts)
