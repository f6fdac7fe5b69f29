"""HEIC pictures, written box by box (ISO 14496-12, 23008-12) around a key frame of HEVC: nothing here writes them."""

from __future__ import annotations

import struct
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray


def heic(image: NDArray[np.uint8], quarter_turns: int = 0) -> bytes:
    """An RGB image [H,W,3] as HEIC that viewers turn counter-clockwise (`irot`)."""
    configuration, coded = _hevc(image)
    turn = [_box(b"irot", bytes([quarter_turns]))] if quarter_turns else []
    size = _box(b"ispe", struct.pack(">II", image.shape[1], image.shape[0]), full=0)
    properties = [configuration, size, *turn]
    uses = [0x81, 2, *([0x83] if turn else [])]
    ftyp = _box(b"ftyp", b"heic", struct.pack(">I", 0), b"mif1heic")
    start = len(ftyp) + len(_meta(properties, uses, 0, len(coded))) + 8
    return ftyp + _meta(properties, uses, start, len(coded)) + _box(b"mdat", coded)


def _meta(properties: list[bytes], uses: list[int], start: int, length: int) -> bytes:
    item = _box(b"infe", struct.pack(">HH4sB", 1, 0, b"hvc1", 0), full=0x02000000)
    associations = struct.pack(">IHB", 1, 1, len(uses)) + bytes(uses)
    return _box(
        b"meta",
        _box(b"hdlr", struct.pack(">I4s12sB", 0, b"pict", b"", 0), full=0),
        _box(b"pitm", struct.pack(">H", 1), full=0),
        _box(b"iloc", struct.pack(">HHHHHII", 0x4400, 1, 1, 0, 1, start, length), full=0),
        _box(b"iinf", struct.pack(">H", 1), item, full=0),
        _box(b"iprp", _box(b"ipco", *properties), _box(b"ipma", associations, full=0)),
        full=0,
    )


def _hevc(image: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The box `hvcC` and the coded picture, as Matroska holds them."""
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:crf=4:bframes=0"})
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "yuv444p"
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        configuration = container.streams.video[0].codec_context.extradata
        coded = b"".join(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return _box(b"hvcC", configuration), coded


def _box(kind: bytes, *parts: bytes, full: int | None = None) -> bytes:
    body = b"".join(parts)
    if full is not None:
        body = struct.pack(">I", full) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body
