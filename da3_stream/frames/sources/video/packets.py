"""The packets of a video stream, and which of them its container lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_FAILED_READS = 1000  # in a row; then the damaged rest of the container is given up


def read_packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets without damaged parts of the container, then None, which flushes the decoder."""
    import av

    failed_reads = 0
    while failed_reads < MAX_FAILED_READS:
        try:
            for packet in container.demux(stream):
                if packet.size:  # an empty packet would end the decoding
                    failed_reads = 0
                    yield packet
            break
        except av.InvalidDataError:
            failed_reads += 1
    yield None
