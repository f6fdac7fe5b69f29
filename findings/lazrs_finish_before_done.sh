#!/bin/sh
# lazrs 0.8.2: finish_current_chunk() behind the last chunk of a LAZ file with chunks of any size, as COPC needs them.
#
# Guess, written down first: a chunk without points is none. Three times compress_many and finish_current_chunk, then
# done, make a table of three chunks, the same bytes as without the last finish_current_chunk.
# Seen: the last finish_current_chunk makes done add a fourth chunk of no points and no bytes to the table; the points are
# read back all the same. One before the first point, and a second one between two chunks, add such a chunk, too, and
# lazrs does not read its own file any more: "failed to fill whole buffer".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lazrs==0.8.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import lazrs
import numpy as np

COUNT, SIZE = 10, 36  # points of a chunk; bytes of a point of format 7
points = np.random.default_rng(0).integers(0, 256, (3, COUNT * SIZE), dtype=np.uint8)


def chunks(plan):
    """The table [points, bytes] of a file by a plan: a number is a chunk's points, None the end of a chunk."""
    layout = lazrs.LazVlr.new_for_compression(7, 0, True)
    file = io.BytesIO()
    compressor = lazrs.LasZipCompressor(file, layout)
    for step in plan:
        compressor.finish_current_chunk() if step is None else compressor.compress_many(points[step])
    compressor.done()
    file.seek(0)
    table = lazrs.read_chunk_table(file, layout)
    file.seek(0)
    read = np.zeros(points.size, np.uint8)
    try:
        lazrs.LasZipDecompressor(file, layout.record_data()).decompress_many(read)
    except lazrs.LazrsError as error:
        return table, str(error)
    return table, "right" if np.array_equal(read, points.ravel()) else "wrong"


plans = {
    "between chunks": ([0, None, 1, None, 2], [COUNT, COUNT, COUNT], "right"),
    "and behind the last": ([0, None, 1, None, 2, None], [COUNT, COUNT, COUNT, 0], "right"),
    "and before the first": ([None, 0, None, 1, None, 2], [0, COUNT, COUNT, COUNT], "failed to fill whole buffer"),
    "twice between two": ([0, None, None, 1, None, 2], [COUNT, 0, COUNT, COUNT], "failed to fill whole buffer"),
}
print("lazrs", version("lazrs"))
for name, (plan, counts, reading) in plans.items():
    table, found = chunks(plan)
    print(f"  finish_current_chunk {name}: points and bytes {table}, read back: {found}")
    assert [count for count, _ in table] == counts, "the table is another now"
    assert found == reading, "it is read back otherwise now"
PYTHON
