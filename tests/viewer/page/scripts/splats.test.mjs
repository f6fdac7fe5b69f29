/** Splats: turned harmonics, depth order, what is chosen, what the viewer of splats gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Baked } from "../../../../da3_stream/viewer/page/src/splats/baking.js";
import { decodeSplats } from "../../../../da3_stream/viewer/page/src/splats/answer.js";
import { chooseFrames } from "../../../../da3_stream/viewer/page/src/splats/choice.js";
import { turnOfDegree2, turnVector } from "../../../../da3_stream/viewer/page/src/splats/harmonics.js";
import { DepthOrder } from "../../../../da3_stream/viewer/page/src/splats/order.js";
import { matrixOf, normalized, rotate } from "../../../../da3_stream/viewer/page/src/tables/float64.js";

const TURN = (() => {
  const q = [0.3, -0.5, 0.2, 0.7];
  const norm = Math.hypot(...q);
  return q.map((value) => value / norm);
})();

const terms = ([x, y, z]) => [
  -y, z, -x, 2 * x * y, -2 * y * z, (2 * z * z - x * x - y * y) / Math.sqrt(3), -2 * x * z, x * x - y * y,
];

test("turned harmonics have in a turned direction the colour that they had before", () => {
  const before = [0.4, -0.7, 0.2, 0.5, -0.1, 0.9, -0.3, 0.6];
  const after = Array(8).fill(0);
  turnVector(matrixOf(TURN), before, 0, after, 0);
  const turn = turnOfDegree2(matrixOf(TURN));
  for (let row = 0; row < 5; row++) for (let k = 0; k < 5; k++) after[3 + row] += turn[5 * row + k] * before[3 + k];
  const degrees = (coefficients, direction) =>
    [[0, 3], [3, 8]].map(([a, b]) => terms(direction).slice(a, b).reduce((sum, value, k) => sum + value * coefficients[a + k], 0));
  for (const direction of [[1, 2, 3], [-2, 0.5, 1], [0, -1, 0.2]].map((d) => normalized(d))) {
    const [was, is] = [degrees(before, direction), degrees(after, rotate(TURN, direction))];
    for (const degree of [0, 1]) assert.ok(Math.abs(was[degree] - is[degree]) < 1e-12);
  }
});

test("splats are drawn from the farthest to the nearest, without those behind the eye, out of range or refused", () => {
  const depths = [5, 0.2, 900, -3, 7, 0.05, 901, 30];
  const centres = Float32Array.from(depths.flatMap((z) => [0, 0, z - 100]));
  const order = new DepthOrder(8);
  const sort = (ranges, accepts) => [...order.sorted.subarray(0, order.sort(centres, ranges, [0, 0, 1], 100, 0.1, accepts))];
  assert.deepEqual(sort([[0, 8]], null), [6, 2, 7, 4, 0, 1]);
  assert.deepEqual(sort([[0, 2], [4, 8]], (x, y, z) => z !== -93), [6, 7, 0, 1]);
  assert.deepEqual(sort([], null), []);
});

class Table {
  constructor(count) {
    this.count = count;
    this.submap = Array.from({ length: count }, (_, row) => row >> 1);
  }

  hasCamera = (row) => row !== 3;

  centre = (row) => [10 * row, 0, 0];
}

test("all frames are shown where all splats fit, else the nearest, each with a share of the budget", () => {
  const submaps = [0, 1, 2].map((id) => ({ id, splats: id === 2 ? 0 : 100, splats_revision: 7 }));
  const all = chooseFrames(submaps, new Table(6), [21, 0, 0], 1000);
  assert.deepEqual(all.map(({ row }) => row), [2, 1, 0]);
  assert.ok(all.every(({ most, revision }) => most > 1000 && revision === 7));
  const many = Array.from({ length: 50 }, (_, id) => ({ id, splats: 2000, splats_revision: 1 }));
  const some = chooseFrames(many, new Table(100), [500, 0, 0], 1600);
  assert.equal(some.length, 16);
  assert.ok(some.every(({ row, most }) => most === 100 && Math.abs(row - 50) <= 8));
});

/** One splat of degree 0 at depth 2, seen a quarter to the right. */
function answer({ of = 1 } = {}) {
  const bytes = new ArrayBuffer(16 + 48 + 4 + 4 + 2 + 3 + 1 + 3);
  new Uint32Array(bytes, 0, 4).set([1, of, 0, 0]);
  new Float64Array(bytes, 16, 6).set([-0.25, 0.25, Math.log(2), Math.log(4), Math.log(0.1), Math.log(0.2)]);
  new Uint32Array(bytes, 64, 1)[0] = (512 << 20) | (512 << 10) | 512; // w is the largest, the others are about 0
  new Uint16Array(bytes, 68, 3).set([65535, 0, 0]);
  new Uint8Array(bytes, 74, 7).set([0, 255, 0, 200, 255, 0, 128]);
  return bytes;
}

test("a splat lies where its frame is, and what stands for more is larger", () => {
  const baked = new Baked(1, 0, [1000, 2000, 3000]);
  const frame = { centre: [1001, 2002, 3003], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2], scale: 3 };
  baked.add({ splats: decodeSplats(answer({ of: 4 })), ...frame });
  const expected = [1 + 1.5, 2 + 1.5, 3 + 6, 2 * 0.3, 2 * 0.6, 2 * 0.3, Math.SQRT1_2, 0, 0, Math.SQRT1_2];
  expected.forEach((value, k) => assert.ok(Math.abs(baked.floats[k] - value) < 2e-3, `${k}: ${baked.floats[k]}`));
  assert.deepEqual([...baked.bytes.subarray(40, 44)], [255, 0, 128, 200]);
  assert.deepEqual([...baked.centres], [...baked.floats.subarray(0, 3)]);
});

test("an answer that is too short is refused", () => {
  assert.throws(() => decodeSplats(answer().slice(0, 70)), /fewer than they say/);
  assert.throws(() => decodeSplats(new ArrayBuffer(3)), /fewer than they say/);
  assert.equal(decodeSplats(new ArrayBuffer(16)).count, 0);
});
