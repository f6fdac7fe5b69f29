"""How fluent the page is beside a plain three.js Points of as many points, and what it takes to open a run of any size.

Both are drawn by a headless Chromium without a graphics card, of the same size, from the same places; after each
picture a pixel is read back, so that all of it has been drawn. The plain one draws every point, 2 pixels wide.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from benchmarks.viewing.big_run import BigRun, make_run
from da3_stream.viewer import RunView
from tests.viewer.browser.chromium import FLAGS, Visit, find_chromium, visit
from tests.viewer.browser.looking import settle
from tests.viewer.browser.served import Served, view

THREE = "0.187.0"
CACHE = Path("~/.cache/da3_stream_page").expanduser()
SCREEN = {"viewport": {"width": 1280, "height": 720}}
PICTURES = 3  # that are timed, at rest
TURNS_BEFORE, TURNS = 8, 8  # pictures while the eye moves: until the page knows how fast the machine is, and timed
PER_SUBMAP = 280_000
INSIDE_M = 40.0  # how far the target lies ahead of the eye, for a look along the road
LEAST_SHARE, MOST_POINTS, MOST_MEGABYTES, FIRST_BYTES, FIRST_REQUESTS = 0.7, 3_000_000, 64, 3_000_000, 20

COLUMNS = [
    Column("points", "points", "{:,}"),
    Column("view", "view"),
    Column("plain three.js, pictures/s", "plain_fps", "{:.2f}"),
    Column("page while it moves, pictures/s", "moving_fps", "{:.2f}"),
    Column("times plain", "ratio", "{:.2f}"),
    Column("of points", "moving_points", "{:,}"),
    Column("page at rest, pictures/s", "rest_fps", "{:.2f}"),
    Column("times plain ", "rest_ratio", "{:.2f}"),
    Column("of points ", "points_drawn", "{:,}"),
    Column("MB drawn", "megabytes", "{:.1f}"),
    Column("first picture, s", "first_s", "{:.1f}"),
    Column("view complete, s", "settled_s", "{:.1f}"),
    Column("requests before", "first_requests"),
    Column("MB before", "first_mb", "{:.2f}"),
    Column("server, MiB", "server_mib", "{:.0f}"),
    Column("page's heap, MiB", "heap_mib", "{:.0f}"),
]

PLAIN = """<!doctype html><style>body { margin: 0 }</style><script type="module">
import * as THREE from "/three/three.module.js";
const [width, height] = location.hash.slice(1).split(",").map(Number);
const renderer = new THREE.WebGLRenderer({ antialias: false });
renderer.setSize(width, height);
document.body.append(renderer.domElement);
const bytes = await (await fetch("/points.bin")).arrayBuffer();
const count = bytes.byteLength / 16;
const geometry = new THREE.BufferGeometry();
geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(bytes, 0, 3 * count), 3));
geometry.setAttribute("color", new THREE.BufferAttribute(new Uint8Array(bytes, 12 * count, 4 * count), 4, true));
const material = new THREE.PointsMaterial({ size: 2, sizeAttenuation: false, vertexColors: true });
const points = new THREE.Points(geometry, material);
points.frustumCulled = false;
const scene = new THREE.Scene().add(points);
const camera = new THREE.PerspectiveCamera(50, width / height, 0.1, 20000);
const gl = renderer.getContext(), pixel = new Uint8Array(4);
window.show = async ({ eye, at, up, fov }) => {
  camera.fov = fov;
  camera.up.set(...up);
  camera.position.set(...eye);
  camera.lookAt(...at);
  camera.updateProjectionMatrix();
  await new Promise(requestAnimationFrame);
  renderer.render(scene, camera);
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
};
window.timed = async (views) => {
  await window.show(views[0]);
  const start = performance.now();
  for (const view of views) await window.show(view);
  return (1000 * views.length) / (performance.now() - start);
};
window.ready = true;
</script>"""

LOOK = """
const lookAlong = ({ eye, at }) => {
  const along = at.map((x, k) => x - eye[k]);
  v.lookAt(at, Math.hypot(...along), along);
};
const gl = v.renderer.renderer.getContext(), pixel = new Uint8Array(4);
const shown = async () => {
  await v.drawn();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
};
"""
AT_REST = f"""{LOOK}
lookAlong(a[0]);
await shown();
const start = performance.now();
for (const view of a) {{ lookAlong(view); await shown(); }}
return (1000 * a.length) / (performance.now() - start);
"""
MOVING = f"""{LOOK}
lookAlong(a.view);
const turn = async () => {{ v.controls.turn(2, 0); v.controls.events.moved(); await shown(); }};
for (let k = 0; k < a.before; k++) await turn();
const start = performance.now();
for (let k = 0; k < a.count; k++) await turn();
return [(1000 * a.count) / (performance.now() - start), v.counters.points_drawn];
"""


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sizes", default="1e6,5e6,20e6", help="points of the runs that are compared")
    command.add_argument("--runs", type=Path, help="where runs of these sizes are, as road_5m; others are made")
    command.add_argument("--large", type=Path, help="a run that is only opened")
    command.add_argument("--modules", type=Path, default=CACHE, help="where npm installs three.js, outside the package")


def _note(rows: Any) -> str:
    return (
        "At rest all points of the view are drawn for every picture, while the eye moves as many as the machine draws "
        f"fluently. A window of 1280x720, the page's panels beside the view; three.js {THREE}, SwiftShader."
    )


def _good(row: Row) -> bool:
    return (
        (row.get("ratio") is None or row["ratio"] >= LEAST_SHARE)
        and row["points_drawn"] <= MOST_POINTS
        and row["megabytes"] <= MOST_MEGABYTES
        and (row.get("first_requests") or 0) <= FIRST_REQUESTS
        and 1e6 * (row.get("first_mb") or 0) <= FIRST_BYTES
    )


@benchmark(COLUMNS, _options, note=_note, good=_good, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Two rows for each size, and what opening the large run takes."""
    from playwright.sync_api import sync_playwright

    three = _three(options.modules)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for points in (round(float(size)) for size in options.sizes.split(",")):
            run = _run(points, options.runs or folder)
            yield from _compared(browser, run, points, folder, three)
        if options.large:
            yield from _opened(browser, options.large)
        browser.close()


def _run(points: int, folder: Path) -> Path:
    path = folder / f"road_{points // 1_000_000}m"
    if not path.exists():
        submaps = max(4, round(points / PER_SUBMAP))
        make_run(path, BigRun(points, submaps, 40 * submaps, size=(96, 72), pages=False))
    return path


def _three(modules: Path) -> Path:
    """The folder of three.js' modules, installed where they are not there yet."""
    build = modules / "node_modules" / "three" / "build"
    if not build.is_dir():
        modules.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"three@{THREE}"]
        subprocess.run(words, cwd=modules, check=True, capture_output=True)
    return build


def _compared(browser: Any, run: Path, points: int, folder: Path, three: Path) -> Iterator[Row]:
    origin = _write_points(run, folder / "points.bin")
    with view(run) as served, visit(browser, served.address, SCREEN) as opened:
        row = _arrival(opened, served)
        views = {"all of it": _around(opened), "along the road": _along(opened)}
        size = opened.call("return [v.renderer.width, v.renderer.height];")
        fast = {}
        for name, places in views.items():
            fast[name] = _fluency(opened, places)
    with _plain(folder, three) as address, visit(browser, f"{address}/plain.html#{size[0]},{size[1]}", SCREEN) as plain:
        plain.page.wait_for_function("() => window.ready === true")
        for name, places in views.items():
            moved = [
                {**each, **{key: list(np.subtract(each[key], origin)) for key in ("eye", "at")}} for each in places
            ]
            rate = plain.page.evaluate("(views) => window.timed(views)", moved)
            ratios = {"ratio": fast[name]["moving_fps"] / rate, "rest_ratio": fast[name]["rest_fps"] / rate}
            yield {"points": points, "view": name, "plain_fps": rate, **ratios, **fast[name], **row}
            row = {}


def _opened(browser: Any, run: Path) -> Iterator[Row]:
    """The first view, and then a look along the road from three places."""
    with view(run) as served, visit(browser, served.address, SCREEN) as opened:
        row = _arrival(opened, served)
        points = opened.call("return v.state.submaps.reduce((sum, each) => sum + each.points, 0);")
        yield {"points": points, "view": "all of it", **_fluency(opened, _around(opened)), **row}
        for share in (0.1, 0.5, 0.9):
            places, start = _along(opened, share), time.monotonic()
            opened.call(f"{LOOK} lookAlong(a);", places[0])
            settle(opened)
            row = {"settled_s": time.monotonic() - start, **_memory(opened, served)}
            yield {"points": points, "view": f"along the road, at {share:.0%}", **_fluency(opened, places), **row}


def _fluency(opened: Visit, places: list[Row]) -> Row:
    """Pictures a second of a view that is complete: at rest, and while a person turns it."""
    opened.call(f"{LOOK} lookAlong(a);", places[0])
    settle(opened)
    rest = opened.call(AT_REST, places)
    moving, points = opened.call(MOVING, {"view": places[0], "before": TURNS_BEFORE, "count": TURNS})
    settle(opened)
    row = {"rest_fps": rest, "moving_fps": moving, "moving_points": points, **_drawn(opened)}
    tell(str(row))
    return row


def _arrival(opened: Visit, served: Served) -> Row:
    """From the call of the address on."""
    start = opened.page.evaluate("performance.timeOrigin")
    opened.wait("v.counters.points_drawn > 0")
    first = time.time() - start / 1000
    settle(opened)
    requests, size = opened.call(
        "return [v.counters.requests_before_first_picture, v.counters.bytes_before_first_picture];"
    )
    assets = sum(each.sizes()["responseBodySize"] for each in opened.answered if "/assets/" in each.url)
    return {
        "first_s": first,
        "settled_s": time.time() - start / 1000,
        "first_requests": requests + 3,  # the page, its style, its script
        "first_mb": (size + assets) / 1e6,
        **_memory(opened, served),
    }


def _memory(opened: Visit, served: Served) -> Row:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"server_mib": peak / 1024, "heap_mib": opened.page.evaluate("performance.memory.usedJSHeapSize") / 2**20}


def _drawn(opened: Visit) -> Row:
    points, megabytes = opened.call("return [v.counters.points_drawn, v.counters.megabytes_drawn];")
    return {"points_drawn": points, "megabytes": megabytes}


def _around(opened: Visit) -> list[Row]:
    """Places of the eye about the first view, which sees the whole run."""
    opened.call("v.fit(); await v.drawn();")
    eye, at, up, fov = opened.call("return [[...v.eye.position], [...v.eye.target], [...v.eye.up], v.eye.fovDeg];")
    return _turned(np.array(eye), np.array(at), up, fov)


def _along(opened: Visit, share: float = 0.5) -> list[Row]:
    """Places of the eye about where a camera of the run stands, looking as it does."""
    centre, ahead, up, fov = opened.call(
        "const row = Math.floor(a * (v.state.frames - 10)); return [[...v.frame(row).centre],"
        "[...v.frame(row + 8).centre], [...v.eye.up], v.eye.fovDeg];",
        share,
    )
    way = np.subtract(ahead, centre)
    return _turned(np.array(centre), np.array(centre) + INSIDE_M * way / np.linalg.norm(way), up, fov)


def _turned(eye: np.ndarray, at: np.ndarray, up: list[float], fov: float) -> list[Row]:
    """The eye at these places, a little farther round its target each time."""
    axis, found = np.array(up), []
    for angle in np.linspace(-0.02, 0.02, PICTURES):
        away = eye - at
        turned = (
            away * np.cos(angle) + np.cross(axis, away) * np.sin(angle) + axis * (axis @ away) * (1 - np.cos(angle))
        )
        found.append({"eye": (at + turned).tolist(), "at": at.tolist(), "up": list(up), "fov": fov})
    return found


def _write_points(run: Path, path: Path) -> np.ndarray:
    """All points as float32 places from the origin that is returned [3], then their colours."""
    with RunView(run) as opened, open(path, "wb") as file:
        now, colours = opened.snapshot(), []
        poses = now.poses.submaps
        origin = np.nanmean(poses.translation, axis=0)
        for submap in now.submaps:
            levels = opened.levels(submap)
            parts = [levels.points(node) for node in range(len(levels.nodes))]
            rows = np.searchsorted(now.frames.source_index, np.concatenate([part.frame for part in parts]))
            xyz = np.einsum("nij,nj->ni", poses.rotation[rows], np.concatenate([part.xyz for part in parts]))
            file.write((poses.scale[rows, None] * xyz + poses.translation[rows] - origin).astype("<f4").tobytes())
            rgb = np.concatenate([part.rgb for part in parts])
            colours.append(np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], axis=1).tobytes())
        file.writelines(colours)
    return np.asarray(origin)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        """Nothing."""


@contextmanager
def _plain(folder: Path, three: Path) -> Iterator[str]:
    """A server of the plain page, its points, and three.js."""
    (folder / "plain.html").write_text(PLAIN)
    if not (folder / "three").exists():
        (folder / "three").symlink_to(three.resolve())
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    main()
