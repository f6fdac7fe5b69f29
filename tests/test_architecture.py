"""Which room of the package may import which, and what must not be imported before it is needed.

A room is a top-level folder or module of `da3_stream`; imports count wherever they stand, in functions and for type
checkers, too. A new arrow is a decision: it is added here, with the reason in the commit.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import da3_stream
from benchmarks.import_graph import Graph, Trees, circles, import_graph, read_modules, room, room_graph
from benchmarks.structure import predictors_asked

PACKAGE = Path(da3_stream.__file__).parent
ROOT = PACKAGE.parent
HEAVY = {"cv2", "av", "pycolmap", "torch", "matplotlib", "scipy", "numpy", "pydantic"}

MAY_IMPORT = {
    # what everybody may use, and what knows nobody
    "errors": "",
    "machine": "",
    "stopwatch": "",
    "geometry": "errors",
    "types": "errors geometry",
    "settings": "errors geometry calibration",
    "windows": "errors",
    "progress": "",
    # the stages: each works on values of `types`, none knows the run that it works for
    "frames": "errors geometry settings types stopwatch calibration",
    "models": "errors",
    "da3": "errors geometry types frames models",
    "predictors": "errors geometry settings types windows da3 machine models stopwatch",
    "stitching": "errors geometry types",
    "posegraph": "errors geometry",
    "loops": "errors geometry settings types da3 stitching",
    "scale": "geometry types",
    "camera_paths": "errors geometry types",
    "trust": "types",
    "store": "errors geometry types",
    "remote_files": "errors machine progress store types",  # a run here, to elsewhere; what is elsewhere, to here
    # who reads and writes a run directory
    "cloud": "errors geometry settings types store",
    "splats": "cloud settings store types geometry",
    "upright": "errors geometry types store cloud",
    "export": "progress errors geometry settings types store cloud splats frames machine remote_files upright viewer"
    " report da3 camera_paths rendering",
    "evaluation": "calibration errors geometry store",
    "rendering": "errors geometry types",  # from values alone, so that any camera of anything can be looked through
    "report": "cloud errors models settings store types upright",
    "reconstruction": "types store cloud splats export",
    # who looks on: a server that knows no run, and what a page asks of one
    "web": "errors",
    "viewer": "errors geometry types store cloud splats web upright report trust",
    # the system and the life of a process: `slam` knows no session
    # predictions on other machines
    "distributed": "batch errors machine predictors types",
    "slam": "errors geometry settings types windows loops machine posegraph predictors scale stitching stopwatch"
    " store trust",
    "session": "progress errors geometry settings types windows cloud export frames loops machine predictors report"
    " slam splats stopwatch store",
    "pipeline": "progress settings types frames machine predictors remote_files session stopwatch",
    # one pass over pictures: a run whose windows are as large as memory allows, told before weights are read
    "prediction": "da3 errors frames machine pipeline predictors progress remote_files settings store types",
    # the doors
    "synthetic": "errors geometry",
    "calibration": "errors geometry",
    "demo": "progress settings calibration evaluation pipeline report store synthetic",
    "doctor": "machine",
    "batch": "errors frames machine predictors progress remote_files session settings store",
    "cli": "progress errors settings batch calibration da3 demo distributed doctor evaluation export frames models"
    " pipeline prediction predictors remote_files report stopwatch store viewer",
    "__init__": "settings types da3 pipeline prediction predictors reconstruction",
    "__main__": "cli",
}


MAY_START_THREADS = {
    "batch/child.py": "Popen",  # a run of a batch, and the process that looks at inputs before they start
    "cli/view.py": "Popen",  # the page beside a run (`run --view`), which only reads its files
    "frames/prefetch.py": "Thread",  # reads ahead
    "frames/sources/live.py": "Thread",  # captures
    "remote_files/transfers.py": "ThreadPoolExecutor",  # waits for other machines
    "doctor/examination.py": "ThreadPoolExecutor",  # waits for processes that ask libraries
    "doctor/packages.py": "ThreadPoolExecutor",  # waits for processes that import packages
    "predictors/scheduler.py": "Thread ThreadPoolExecutor",  # feeds windows, calls the predictor
    "predictors/sfm/processes/process.py": "Process",  # a worker of sfm
    "predictors/sfm/processes/workers.py": "Thread",  # one beside each worker
    "synthetic/town.py": "ThreadPoolExecutor",  # renders
    "web/server.py": "Thread",  # one for each connection, bounded in number; a process of its own, beside the run
}


@functools.cache
def trees() -> Trees:
    """Of all modules; read when a test asks, as every worker collects this file."""
    return read_modules(PACKAGE)


@functools.cache
def imports() -> Graph:
    """Of all modules."""
    return import_graph(trees())


@pytest.mark.slow
def test_a_room_imports_only_what_it_may() -> None:
    arrows = [(file, other) for file in trees() for other in sorted(imports()[file]) if room(file) != room(other)]
    assert [
        f"{file} imports {other}" for file, other in arrows if room(other) not in MAY_IMPORT[room(file)].split()
    ] == []


@pytest.mark.slow
def test_no_arrow_is_left_that_nobody_uses() -> None:
    assert {name: sorted(allowed.split()) for name, allowed in MAY_IMPORT.items()} == {
        name: sorted(used) for name, used in room_graph(imports()).items()
    }


@pytest.mark.parametrize("depth", [None, 1, 2], ids=["files", "rooms", "parts"])
def test_no_imports_run_in_a_circle(depth: int | None) -> None:
    assert circles(room_graph(imports(), depth) if depth else imports()) == []


@pytest.mark.slow
def test_the_library_prints_nothing() -> None:
    assert _callers("print") == {"cli/screen.py": {"print"}}  # of the terminal's console


@pytest.mark.slow
def test_only_the_adapter_asks_what_a_predictor_has() -> None:
    assert predictors_asked(trees()) == {}


@pytest.mark.slow
def test_only_these_start_threads_and_processes() -> None:
    starters = ("Thread", "Timer", "ThreadPoolExecutor", "Process", "ProcessPoolExecutor", "Pool", "Popen", "fork")
    assert _callers(*starters) == {name: set(allowed.split()) for name, allowed in MAY_START_THREADS.items()}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_the_modules_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text().replace("`sparse/", "`")  # of an export
    names = set(re.findall(r"`([\w/]+\.py|[a-z]\w*/[\w/]*\w)`", text))
    homes = [ROOT, PACKAGE, PACKAGE / "predictors" / "sfm"]
    files = {name: [home / name for home in homes] + [home / f"{name}.py" for home in homes] for name in names}
    assert [name for name, paths in files.items() if not any(path.exists() for path in paths)] == []


@pytest.mark.parametrize("module", ["da3_stream", "da3_stream.cli"])
def test_importing_brings_in_nothing_heavy(module: str) -> None:
    assert _imported(f"import {module}", HEAVY) == []


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_brings_in_nothing_heavy(words: list[str]) -> None:
    heavy = {*HEAVY, "da3_stream.export", "da3_stream.settings"} - {"pydantic"}  # which typer imports itself
    assert _imported(f"import sys, da3_stream.cli as cli; sys.argv[1:] = {words}; cli.main()", heavy) == []


@pytest.mark.slow
def test_a_run_brings_in_torch_only_where_a_network_is_computed() -> None:
    assert _imported("import da3_stream.pipeline", {"torch", "pycolmap", "matplotlib", "faiss"}) == []
    assert _imported(SOLVED_GRAPH, {"torch"}) == []


SOLVED_GRAPH = """
from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph
graph = PoseGraph(0)
graph.add_edge(0, 1, Sim3.identity())
graph.solve()
"""


def _callers(*names: str) -> dict[str, set[str]]:
    """Which of the functions or classes of these names each module calls; modules that call none are left out."""
    calls = {
        file: {ast.unparse(node.func).split(".")[-1] for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for file, tree in trees().items()
    }
    return {file: called & set(names) for file, called in calls.items() if called & set(names)}


def _imported(code: str, names: set[str]) -> list[str]:
    """Those of the modules that are there when the code has run, in a process of its own."""
    told = f"sys.stderr.write(str([name for name in {sorted(names)} if name in sys.modules]))"
    words = [sys.executable, "-c", f"import atexit, sys\natexit.register(lambda: {told})\n{code}"]
    return list(ast.literal_eval(subprocess.run(words, capture_output=True, text=True).stderr))
