"""One connection: requests are read one after the other, each within a deadline, and answered."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus

from .answers import Answer, RefusedError
from .limits import Limits
from .requests import Request, parse_request

_END = b"\r\n\r\n"
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_BEGINNING = re.compile(rb"[A-Z]{1,20}( |$)")
_DRAINED = 65_536  # bytes that are read after a refusal, so that the client gets to see it
_DRAIN_S = 0.5


class Conversation:
    """Reads and answers until the client or a refusal ends it. `busy` is told whether a request is being answered."""

    def __init__(
        self, client: socket.socket, limits: Limits, answer: Callable[[Request], Answer], busy: Callable[[bool], None]
    ) -> None:
        self._client, self._limits, self._answer, self._busy = client, limits, answer, busy
        self._read = b""  # and not yet used: requests may follow each other without waiting

    def run(self) -> None:
        """Until it ends; the socket stays open."""
        with suppress(OSError):
            while self._answer_one():
                pass

    def refuse(self, refused: RefusedError) -> None:
        """Tell why there is no answer, and that there is no further one."""
        self._send(Answer.refusal(refused), "GET", keeps_alive=False)
        self._drain()

    def _answer_one(self) -> bool:
        """Whether another request may follow."""
        try:
            self._busy(False)
            head = self._read_head()
            self._busy(True)
            if head is None:
                return False
            request = parse_request(head, self._limits)
        except RefusedError as refused:
            self.refuse(refused)
            return False
        answer = self._answer(request).for_client(request.headers.get("accept-encoding", ""))
        keeps_alive = request.keeps_alive and answer.status < HTTPStatus.BAD_REQUEST
        self._send(answer, request.method, keeps_alive)
        return keeps_alive

    def _read_head(self) -> bytes | None:
        """Up to the empty line, which is left out; None where the client has ended or said nothing."""
        limits, until = self._limits, time.monotonic() + self._limits.idle_s
        if self._read:
            until = time.monotonic() + limits.head_s
            _refuse_junk(self._read)
        while _END not in self._read[: limits.head_bytes + len(_END)]:
            if len(self._read) > limits.head_bytes:
                raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too long")
            begun = bool(self._read)
            data = self._receive(until)
            if data is None and begun:
                raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the request took too long")
            if not data:
                return None
            if not begun:
                until = time.monotonic() + limits.head_s
            self._read += data
            _refuse_junk(self._read)
        head, _, self._read = self._read.partition(_END)
        return head

    def _receive(self, until: float) -> bytes | None:
        """What comes next, b"" at the end of the stream, None where nothing came in time."""
        left = until - time.monotonic()
        if left <= 0:
            return None
        self._client.settimeout(left)
        try:
            return self._client.recv(8192)
        except TimeoutError:
            return None

    def _send(self, answer: Answer, method: str, keeps_alive: bool) -> None:
        try:
            self._send_within(answer.head(keeps_alive))
            if method != "HEAD":
                for chunk in self._chunks(answer):
                    self._send_within(chunk)
        finally:
            answer.close()

    def _chunks(self, answer: Answer) -> Iterator[bytes | memoryview]:
        """Raises OSError where a file has become shorter: the client sees that the answer is not whole."""
        size = self._limits.chunk_bytes
        if isinstance(answer.body, bytes):
            view = memoryview(answer.body)
            yield from (view[k : k + size] for k in range(0, len(view), size))
            return
        left = answer.length
        while left:
            data = answer.body.read(min(size, left))
            if not data:
                raise OSError("the file was cut meanwhile")
            left -= len(data)
            yield data

    def _send_within(self, data: bytes | memoryview) -> None:
        """`sendall` counts its timeout over the whole, so that a client cannot take a byte now and then."""
        self._client.settimeout(self._limits.chunk_s)
        self._client.sendall(data)

    def _drain(self) -> None:
        """Read what is still under way for a moment: closing on unread bytes would reset the connection, and the
        client would not see the refusal."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
            until, read = time.monotonic() + _DRAIN_S, 0
            while read < _DRAINED and (data := self._receive(until)):
                read += len(data)


def _refuse_junk(data: bytes) -> None:
    """What can never become a request is not waited for."""
    head = data.partition(_END)[0]
    if not _BEGINNING.match(head) or _BARE.search(head):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
