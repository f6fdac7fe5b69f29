import assert from "node:assert/strict";
import { test } from "node:test";

import { depthSigma } from "../../../../da3_stream/viewer/page/src/tools/anchor.js";
import { Measurements } from "../../../../da3_stream/viewer/page/src/tools/measurements.js";
import { measureDistance } from "../../../../da3_stream/viewer/page/src/tools/distance.js";
import { crossesItself, fitPlane, measureArea } from "../../../../da3_stream/viewer/page/src/tools/polygon.js";
import { normalQuantile, pathSigma, stretchSigma } from "../../../../da3_stream/viewer/page/src/tools/uncertainty.js";

const near = (value, wanted, within = 1e-9) =>
  assert.ok(Math.abs(value - wanted) <= within, `${value} is not ${wanted}`);
const still = { cameraOf: () => ({ centre: [0, 0, 0], confidence: 0.95 }), up: [0, -1, 0], scaleSigma: 0 };
const sighting = (position, more = {}) => ({
  position,
  camera: [0, 0, 0],
  frameRow: 0,
  depthSigma: 0.01,
  pixel: 0.002,
  ...more,
});

test("quantiles of the normal distribution are those of the tables", () => {
  near(normalQuantile(0.5), 0, 1e-6);
  near(normalQuantile(0.975), 1.959964, 1e-5);
  near(normalQuantile(0.05), -1.644854, 1e-5);
});

test("a stretch whose pose is right with 95 % is off by 5 % of its length at 1.96 sigma", () => {
  near(stretchSigma(20, 0.95), 1 / 1.959964, 1e-5);
  assert.equal(stretchSigma(20, 0), null);
  assert.equal(stretchSigma(20, NaN), null);
});

test("stretches of a path add up as squares, and a frame beside itself is exact", () => {
  const drive = (row) => ({ centre: [row, 0, 0], confidence: 0.95 });
  assert.equal(pathSigma(7, 7, drive), 0);
  near(pathSigma(0, 21, drive), stretchSigma(21, 0.95), 1e-9);
  near(pathSigma(42, 0, drive), Math.SQRT2 * stretchSigma(21, 0.95), 1e-9);
  assert.equal(
    pathSigma(0, 5, (row) => (row === 3 ? null : drive(row))),
    null,
  );
});

test("along its ray a point is off by its depth's sigma, across it by half a pixel", () => {
  const along = measureDistance(sighting([0, 0, 10]), sighting([0, 0, 20]), still);
  near(along.value, 10);
  near(along.sigma.depth, Math.hypot(0.1, 0.2));
  near(along.sigma.across, 0);
  const across = measureDistance(sighting([-1e-9, 0, 10]), sighting([1e-9, 0, 10]), still);
  near(across.sigma.depth, 0, 1e-9);
  near(across.sigma.across, Math.SQRT2 * 0.5 * 0.002 * 10);
});

test("a depth's confidence tells its sigma where the predictor is structure from motion, else nobody knows", () => {
  near(depthSigma("sfm", 15), Math.hypot(0.1, 0.02));
  near(depthSigma("sfm", 1e9), 0.02, 1e-6);
  assert.equal(depthSigma("da3-large", 15), null);
  assert.equal(depthSigma("sfm", null), null);
});

test("what nobody knows is said, and does not count as known", () => {
  const found = measureDistance(sighting([0, 0, 10]), sighting([0, 0, 20], { depthSigma: null }), {
    ...still,
    scaleSigma: null,
  });
  assert.equal(found.sigma.depth, null);
  assert.equal(found.sigma.scale, null);
  near(found.sigma.total, 0);
});

test("the sigma of a distance is what repeated measuring spreads by", () => {
  const noise = gaussian(7);
  const truth = [
    [1, 2, 10],
    [4, -1, 15],
  ];
  const expected = measureDistance(...truth.map((p) => sighting(p)), still).sigma.total;
  const spread = standardDeviation(4000, () => {
    const [a, b] = truth.map((p) => moved(p, noise));
    return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  });
  near(spread / expected, 1, 0.05);
});

test("the sigma of an area is what repeated measuring spreads by", () => {
  const noise = gaussian(11);
  const truth = [
    [0, 0, 10],
    [4, 0.5, 11],
    [4, 3, 12],
    [-1, 3, 10.5],
  ];
  const expected = measureArea(
    truth.map((p) => sighting(p)),
    still,
  ).sigma.total;
  const spread = standardDeviation(
    2000,
    () =>
      measureArea(
        truth.map((p) => sighting(moved(p, noise))),
        still,
      ).value,
  );
  near(spread / expected, 1, 0.08);
});

test("the area of a tilted square far from the origin is that of the square", () => {
  const [s, c] = [Math.sin(0.4), Math.cos(0.4)];
  const flat = [
    [0, 0],
    [2, 0],
    [2, 3],
    [0, 3],
  ];
  const corners = flat.map(([x, y]) => sighting([500000 + x * c, 5600000 + y, 200 + x * s]));
  const found = measureArea(corners, still);
  near(found.value, 6, 1e-6);
  near(found.perimeter, 10, 1e-6);
  near(found.residual, 0, 1e-6);
});

test("the residual of corners off their plane is their root mean square", () => {
  const corners = [
    [0, 0, 0.1],
    [1, 0, -0.1],
    [1, 1, 0.1],
    [0, 1, -0.1],
  ];
  const plane = fitPlane(corners);
  near(Math.abs(plane.normal[2]), 1, 1e-9);
  near(plane.residual, 0.1, 1e-9);
});

test("a bow tie crosses itself, a square does not", () => {
  const square = [
    [0, 0, 0],
    [1, 0, 0],
    [1, 1, 0],
    [0, 1, 0],
  ];
  assert.equal(crossesItself(square, [0, 0, 1]), false);
  assert.equal(crossesItself([square[0], square[2], square[1], square[3]], [0, 0, 1]), true);
});

function gaussian(seed) {
  let state = seed;
  const uniform = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  return () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
}

/** A point with noise of its depth along its ray, and of half a pixel across it. */
function moved(point, noise) {
  const far = Math.hypot(...point);
  const ray = point.map((x) => x / far);
  const shake = [noise(), noise(), noise()].map((x) => x * 0.5 * 0.002 * far);
  const along = shake.reduce((sum, x, i) => sum + x * ray[i], 0);
  const depth = noise() * 0.01 * far;
  return point.map((x, i) => x + shake[i] + (depth - along) * ray[i]);
}

function standardDeviation(count, draw) {
  const values = Array.from({ length: count }, draw);
  const middle = values.reduce((a, b) => a + b, 0) / count;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (count - 1));
}

test("between segments there is no measure, until something joins them", () => {
  const segments = [0, 1];
  const camera = { centre: [0, 0, 0], confidence: 0.95, fx: 300 };
  const run = {
    cameraOf: () => camera,
    pinholeOf: () => camera,
    worldFromSubmap: (row, position) => position,
    segmentOf: (row) => segments[row],
    up: [0, -1, 0],
  };
  const measurements = new Measurements(run, { get: (name, usual) => usual, set: () => {} });
  measurements.begin("distance");
  for (const row of [0, 1]) measurements.add({ row, inSubmap: [3 * row, 0, 5 + 4 * row], depthSigma: 0.02 });
  const [made] = measurements.all;
  assert.equal(measurements.isAcrossSegments(made), true);
  assert.equal(measurements.value(made), null);
  segments[1] = 0;
  assert.equal(measurements.value(made).value, 5);
});
