"""How much one server takes on, and for how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds. A page has six requests under way; as it shows 200 million points whole it asks
    1,430 times."""

    connections: int = 64
    head_bytes: int = 16_384  # request line and headers together
    line_bytes: int = 4_096  # request line
    headers: int = 64
    head_s: float = 5.0  # from the first byte of a request to the end of its headers
    idle_s: float = 30.0  # until the first byte
    chunk_s: float = 20.0  # for every part of an answer to be taken
    chunk_bytes: int = 262_144
    requests_per_s: float = 200.0  # of one address, on average
    burst: int = 2000  # of one address, at once
