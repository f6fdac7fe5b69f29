"""A small HTTP server behind a guard, for any page of this program; it knows no run.

`guard` decides who is answered, `requests` what counts as a request, `limits` how much and how fast, `connections` and
`rates` count; `server` puts them together and is given its routes.
"""

from .answers import Answer, RefusedError
from .binding import listening_address
from .guard import Guard, guard_for
from .limits import Limits
from .requests import Request
from .server import Route, Server

__all__ = ["Answer", "Guard", "Limits", "RefusedError", "Request", "Route", "Server", "guard_for", "listening_address"]
