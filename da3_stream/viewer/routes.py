"""Addresses of the page: names and numbers of a path are looked up in what the run has, and never opened."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from ..web import Answer, RefusedError, Request, Route
from ..web.answers import CONTENT_POLICY
from .page_files import KINDS, asset_names, read_asset
from .pictures import confidence_picture, depth_picture, frame_image, raw_depth
from .run_view import RunView
from .snapshot import Snapshot
from .splat_answers import MOST_SPLATS, frame_splats
from .state import EXPORTS, export_files, loops_of, state_of
from .tables import MOST_FRAME_ROWS, MOST_POSE_ROWS, WantedRows

LONG_POLL_S = 20.0
MOST_WAITING = 24  # long polls at once; those beyond wait only a moment, so that connections are left
CROWDED_S = 2.0
MOST_POINT_BYTES = 4 << 20
LARGEST_PICTURE = 4096
_KEPT = "private, max-age=31536000, immutable"
_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)


class PageRoutes:
    """What is answered under each first segment, for one run."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._polled: float | None = None

    def table(self) -> Mapping[str, Route]:
        """Routes by first segment; a path has exactly so many segments."""
        return {
            "": _of_length(1, self._index),
            "assets": _of_length(2, self._asset),
            "favicon.ico": _of_length(1, lambda request: Answer.empty()),
            "state": _of_length(1, self._state),
            "frames": _of_length(1, self._frames),
            "poses": _of_length(1, lambda request: self._rows(request, "poses")),
            "cameras": _of_length(1, lambda request: self._rows(request, "cameras")),
            "submaps": _of_length(2, self._submap),
            "points": _of_length(2, self._points),
            "frame": _of_length(2, self._frame),
            "image": _of_length(2, self._image),
            "depth": _of_length(2, self._depth),
            "confidence": _of_length(2, self._confidence),
            "splats": _of_length(2, self._splats),
            "mask": _of_length(1, self._mask),
            "loop": _of_length(3, self._loop),
            "report": _of_length(1, self._report),
            EXPORTS: _of_length(2, self._export),
        }

    def _index(self, request: Request) -> Answer:
        return _asset("index.html")

    def _asset(self, request: Request) -> Answer:
        return _asset(request.segments[1])

    def _state(self, request: Request) -> Answer:
        now = self._wait(request)
        if now is None:
            return Answer.empty()
        state = state_of(now, self._view.run.path, self._view.formats)
        since, self._polled = self._polled, time.monotonic()
        state["previous_poll_s"] = None if since is None else round(self._polled - since, 3)
        return Answer.of_json(state)

    def _wait(self, request: Request) -> Snapshot | None:
        """The run as it is, or where that is what the page has got, as soon as it is another one."""
        if "since" not in request.query:
            return self._view.snapshot()
        since = request.number("since")
        epoch = request.query.get("epoch")
        if not self._waiting.acquire(blocking=False):
            return self._view.wait(since, epoch, CROWDED_S)
        try:
            return self._view.wait(since, epoch, LONG_POLL_S)
        finally:
            self._waiting.release()

    def _frames(self, request: Request) -> Answer:
        table = self._now(request).frames.pack(request.number("from", 0), MOST_FRAME_ROWS)
        return Answer.of_compressible(table)

    def _rows(self, request: Request, name: str) -> Answer:
        poses = self._now(request).poses
        pack = poses.pack_submaps if name == "poses" else poses.pack_cameras
        since, first, step = (request.number(word, 0) for word in ("since", "from", "step"))
        return Answer.of_compressible(pack(WantedRows(since, first, max(1, step), MOST_POSE_ROWS)))

    def _now(self, request: Request) -> Snapshot:
        """The run; not where the page has another run's rows."""
        now = self._view.snapshot()
        if request.query.get("epoch", now.epoch) != now.epoch:
            raise RefusedError(HTTPStatus.CONFLICT, "the run was begun anew: ask for the state first")
        return now

    def _submap(self, request: Request) -> Answer:
        now = self._view.snapshot()
        number = request.index(1, len(now.submaps))
        header = self._view.levels(number).header
        return Answer.of_json({**header, "revision": now.submaps[number].revision})

    def _points(self, request: Request) -> Answer:
        now = self._view.snapshot()
        number = request.index(1, len(now.submaps))
        levels = self._view.levels(number)
        first, last = request.number("first"), request.number("last")
        try:
            size = levels.span(first, last)[1]
        except IndexError:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"there are {len(levels.nodes)} nodes") from None
        if size > MOST_POINT_BYTES:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"ask for fewer nodes: {MOST_POINT_BYTES} bytes are the most")
        kept = request.number("revision", 0) == now.submaps[number].revision
        return Answer.of_bytes(levels.read(first, last), **({"cache_control": _KEPT} if kept else {}))

    def _frame(self, request: Request) -> Answer:
        now = self._view.snapshot()
        return Answer.of_json(self._view.frame(request.index(1, len(now.frames))))

    def _image(self, request: Request) -> Answer:
        now = self._view.snapshot()
        return _picture(now, request.index(1, len(now.frames)), request)

    def _depth(self, request: Request) -> Answer:
        now = self._view.snapshot()
        row = request.index(1, len(now.frames))
        if request.number("raw", 0, 1):
            return Answer.of_bytes(_found(lambda: raw_depth(now, row)))
        return Answer.of_bytes(_found(lambda: depth_picture(now, row)), "image/png")

    def _confidence(self, request: Request) -> Answer:
        now = self._view.snapshot()
        row = request.index(1, len(now.frames))
        return Answer.of_bytes(_found(lambda: confidence_picture(now, row)), "image/png")

    def _splats(self, request: Request) -> Answer:
        now = self._view.snapshot()
        row = request.index(1, len(now.frames))
        most = request.number("most", MOST_SPLATS, MOST_SPLATS)
        kept = request.number("revision", 0) == now.submaps[int(now.frames.submap[row])].splats_revision
        return Answer.of_bytes(frame_splats(now, row, most), **({"cache_control": _KEPT} if kept else {}))

    def _loop(self, request: Request) -> Answer:
        now = self._view.snapshot()
        shown = loops_of(now)
        loop, side = shown[request.index(1, len(shown))], request.segments[2]
        if side not in ("a", "b"):
            raise RefusedError(HTTPStatus.NOT_FOUND, "a loop has the sides a and b")
        return _picture(now, loop[side], request)

    def _mask(self, request: Request) -> Answer:
        return Answer.of_file(self._view.run.path / "static_mask.png", "image/png")

    def _report(self, request: Request) -> Answer:
        answer = Answer.of_file(self._view.run.path / "report.html", "text/html; charset=utf-8")
        assert not isinstance(answer.body, bytes)
        with answer.body as file:
            page = file.read()
        return Answer.of_bytes(page, answer.kind, content_security_policy=_report_policy(page))

    def _export(self, request: Request) -> Answer:
        name = request.segments[1]
        if name not in export_files(self._view.run.path):
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no such file lies in {EXPORTS}/")
        safe = re.sub(r"[^0-9A-Za-z._ -]", "_", name)
        path = self._view.run.path / EXPORTS / name
        whole = f"filename*=UTF-8''{quote(name, safe='')}"  # for all browsers of today (RFC 6266)
        return Answer.of_file(path, content_disposition=f'attachment; filename="{safe}"; {whole}')


def _of_length(count: int, route: Route) -> Route:
    def checked(request: Request) -> Answer:
        if len(request.segments) != count:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is nothing of this name")
        return route(request)

    return checked


def _asset(name: str) -> Answer:
    if name not in asset_names():
        raise RefusedError(HTTPStatus.NOT_FOUND, "the page has no such file")
    return Answer.of_bytes(read_asset(name), KINDS["." + name.rpartition(".")[2]], cache_control="no-cache")


def _picture(now: Snapshot, row: int, request: Request) -> Answer:
    size = request.number("size", 0, LARGEST_PICTURE)
    return Answer.of_bytes(_found(lambda: frame_image(now, row, size)), "image/jpeg")


def _found(make: Callable[[], bytes]) -> bytes:
    try:
        return make()
    except (KeyError, IndexError):
        raise RefusedError(HTTPStatus.NOT_FOUND, "this frame has none") from None


def _report_policy(page: bytes) -> str:
    """The report holds its styles itself: they are allowed by their hashes, and scripts are not at all."""
    hashes = [base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(page)]
    styles = " ".join(f"'sha256-{text}'" for text in hashes) or "'none'"
    policy = CONTENT_POLICY.replace("script-src 'self'; style-src 'self'", f"style-src {styles}")
    return policy.replace("connect-src 'self'; ", "")
