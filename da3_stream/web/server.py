"""The server: a thread for each connection, bounded in number, that all ask the same routes."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from socketserver import TCPServer
from typing import Any

from ..errors import Da3StreamError, WebError
from .answers import Answer, RefusedError
from .binding import listening_address, outward_address
from .connections import Connections, OpenConnection
from .conversation import Conversation
from .guard import Guard, guard_for, link
from .limits import Limits
from .rates import Rates
from .requests import Request

log = logging.getLogger(__name__)

Route = Callable[[Request], Answer]  # raises RefusedError, or Da3StreamError for what cannot be told now

_SOON = {"Retry-After": "1"}


class Server(TCPServer):
    """Answers by the first segment of the path until it is shut down. Nothing of a path reaches the file system here:
    routes look names up in what they have.

    Raises WebError where it cannot listen.
    """

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self,
        routes: Mapping[str, Route],
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.address_family, address = listening_address(host, port)
        self._host, self._routes, self._limits = host, routes, limits or Limits()
        self.connections, self._rates = Connections(self._limits.connections), Rates(self._limits)
        try:
            super().__init__((address, port), Conversation)  # type: ignore[arg-type]  # process_request is ours
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise WebError(f"cannot listen on {host}, port {port}: {why}; give another --port, or 0 for any") from None
        self.guard: Guard = guard_for(host, self.port, address, token)

    @property
    def port(self) -> int:
        """The one it listens on."""
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """The numeric one it listens on."""
        return str(self.server_address[0])

    @property
    def link(self) -> str:
        """What people open; it holds the token, where there is one."""
        address = ip_address(self.address)
        return link(self.guard, outward_address(address.version) if address.is_unspecified else self._host, self.port)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread of its own, or tell that there are too many."""
        connection = self.connections.add(request, str(client_address[0]))
        if connection is None:
            refused = RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open", _SOON)
            request.settimeout(0)
            with suppress(OSError):
                request.send(Answer.refusal(refused).head(keep_alive=False))
            return self.shutdown_request(request)
        try:
            threading.Thread(target=self._converse, args=(connection,), name="web", daemon=True).start()
        except RuntimeError:  # the system gives no further thread
            self.connections.remove(connection)
            raise

    def server_close(self) -> None:
        """Stop listening, and end all connections."""
        super().server_close()
        self.connections.close_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that could not even begin."""
        log.debug("a connection could not begin", exc_info=True)

    def _converse(self, connection: OpenConnection) -> None:
        client = connection.socket
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Conversation(
                client,
                self._limits,
                lambda request: self._answer(request, connection.address),
                lambda busy: self.connections.set_idle(connection, not busy),
            ).run()
        except Exception:
            log.warning("a conversation broke off", exc_info=True)
        finally:
            self.connections.remove(connection)
            self.shutdown_request(client)

    def _answer(self, request: Request, address: str) -> Answer:
        try:
            answer = self._answer_within_rate(request, address)
        except RefusedError as refused:
            answer = Answer.refusal(refused)
        except Da3StreamError as error:
            answer = Answer.refusal(RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), _SOON))
        except Exception:
            log.warning("%s %s failed", request.method, request.path, exc_info=True)
            answer = Answer.refusal(RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug: the log tells more"))
        log.debug("%s %s: %d", request.method, request.path, answer.status)
        return answer

    def _answer_within_rate(self, request: Request, address: str) -> Answer:
        if not self._rates.admits(address):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too many requests: wait a second", _SOON)
        answer = self.guard.check(request)
        if answer is not None:
            return answer
        route = self._routes.get(request.segments[0])
        if route is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is nothing of this name")
        return route(request)
