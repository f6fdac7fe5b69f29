import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBlock, decodeCameras, decodeFrames, decodePoses } from "../../../../da3_stream/viewer/page/src/tables/decoding.js";
import { fromAxes, lookingAlong, matrixOf, multiply, rotate, shortestRotation, split } from "../../../../da3_stream/viewer/page/src/tables/float64.js";
import { blockAnswer, camerasAnswer, EAST, FrameTable, framesAnswer, NORTH, pose, posesAnswer } from "./made_run.mjs";

const close = (a, b, tolerance) => a.forEach((value, k) => assert.ok(Math.abs(value - b[k]) <= tolerance, `${a} is not ${b}`));

test("the tables are decoded column by column", () => {
  const rows = decodeFrames(framesAnswer(3));
  assert.deepEqual([...rows.time], [100, 100.1, 100.2]);
  assert.deepEqual([...rows.sourceIndex], [0, 10, 20]);
  assert.deepEqual([...rows.submap], [0, 0, 1]);
  const poses = decodePoses(posesAnswer([pose(2), pose(0, 5)], 7));
  assert.equal(poses.revision, 7);
  assert.deepEqual([...poses.row], [2, 0]);
  assert.deepEqual([...poses.translation.subarray(3, 6)], [EAST + 5, NORTH, 100]);
  assert.deepEqual([...poses.scale], [2, 2]);
});

test("an answer that was cut off is an error and no table", () => {
  assert.throws(() => decodeFrames(framesAnswer(3).slice(0, 60)), /fewer than its header says/);
  assert.throws(() => decodePoses(new ArrayBuffer(4)), /4 bytes/);
  assert.throws(() => decodeBlock(new ArrayBuffer(12), 0, 2), /ends after 12 bytes/);
});

test("a block is used as it came, without a copy", () => {
  const bytes = blockAnswer([{ place: [1, 2, 65535], row: 4, colour: [9, 8, 7, 6] }, { place: [0, 0, 0], row: 5, colour: [1, 2, 3, 4] }]);
  const { place, colour } = decodeBlock(bytes, 0, 2);
  assert.deepEqual([...place], [1, 2, 65535, 4, 0, 0, 0, 5]);
  assert.deepEqual([...colour], [9, 8, 7, 6, 1, 2, 3, 4]);
  assert.equal(place.buffer, bytes);
});

test("places relative to the eye are right to a tenth of a millimetre near it, and to 1 mm at 5 km", () => {
  const relative = (value, eye) => {
    const [high, low] = split(value);
    const [eyeHigh, eyeLow] = split(eye);
    return Math.fround(Math.fround(high - eyeHigh) + Math.fround(low - eyeLow));
  };
  for (const away of [0.001, 0.37, 12.3456, 431.2, 5000.1234]) {
    const exact = NORTH + away - NORTH;
    assert.ok(Math.abs(relative(NORTH + away, NORTH) - exact) < (away < 500 ? 1e-4 : 1e-3));
  }
});

test("a correction carries cameras along that were told once", () => {
  const table = new FrameTable();
  table.append(decodeFrames(framesAnswer(4)));
  table.setPoses(decodePoses(posesAnswer([0, 1, 2, 3].map((row) => pose(row)))));
  const cameras = [0, 1, 2, 3].map((row) => ({ ...pose(row), translation: [EAST + 1, NORTH + 2 * row, 103], scale: 4 }));
  table.setCameras(decodeCameras(camerasAnswer(cameras)));
  assert.deepEqual(table.frame(2).intrinsics, [300, 310, 320, 240, 640, 480]);
  close(table.centre(3), [EAST + 1, NORTH + 6, 103], 1e-6);
  table.setPoses(decodePoses(posesAnswer([pose(3, 50)], 2)));
  close(table.centre(3), [EAST + 51, NORTH + 6, 103], 1e-6);
  close(table.centre(2), [EAST + 1, NORTH + 4, 103], 1e-6);
});

test("rows are found by source index, and a frame without pose has no centre", () => {
  const table = new FrameTable();
  table.append(decodeFrames(framesAnswer(4)));
  assert.deepEqual([0, 10, 30, 5, 31].map((index) => table.rowOf(index)), [0, 1, 3, -1, -1]);
  assert.equal(table.centre(1), null);
  assert.equal(table.lastCamera(Infinity), -1);
});

test("quaternions turn as their matrices do", () => {
  for (const [x, y, z] of [[[1, 0, 0], [0, -1, 0], [0, 0, -1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]]) {
    const q = fromAxes(x, y, z);
    close(rotate(q, [1, 0, 0]), x, 1e-12);
    close(rotate(q, [0, 0, 1]), z, 1e-12);
    close(matrixOf(q), [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]], 1e-12);
  }
  for (const up of [[0, 0, -1], [0, -1, 0], [0.6, 0, 0.8]]) close(rotate(shortestRotation(up, [0, 0, 1]), up), [0, 0, 1], 1e-12);
  close(rotate(lookingAlong([0, 3, 0], [0, 0, 1]), [0, 0, -1]), [0, 1, 0], 1e-12);
  close(multiply([0, 0, 1, 0], [0, 0, 1, 0]), [0, 0, 0, -1], 1e-12);
});
