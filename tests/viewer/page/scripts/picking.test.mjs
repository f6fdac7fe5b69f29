import assert from "node:assert/strict";
import { test } from "node:test";
import { Eye } from "../../../../da3_stream/viewer/page/src/scene/eye.js";
import { beside, covering, meets, onSurface, pickCamera, pickInNode } from "../../../../da3_stream/viewer/page/src/scene/picking.js";
import { decodeBlock, decodeFrames, decodePoses } from "../../../../da3_stream/viewer/page/src/tables/decoding.js";
import { blockAnswer, EAST, FrameTable, framesAnswer, node, NORTH, placedSubmap, pose, posesAnswer } from "./made_run.mjs";

const RAY = { eye: [EAST, NORTH - 100, 100], right: [1, 0, 0], up: [0, 0, 1], forward: [0, 1, 0], focal: 500, x: 0, y: 0 };
const everything = () => true;
const drawn = covering(() => 4); // pixels wide

function scene(points) {
  const table = new FrameTable();
  table.append(decodeFrames(framesAnswer(2)));
  table.setPoses(decodePoses(posesAnswer([pose(0), pose(1, 4)])));
  const [root] = placedSubmap(table, [node("r", [0, 0, 0], 10, points.length)]).nodes;
  root.block = decodeBlock(blockAnswer(points), 0, points.length);
  return { table, root };
}

/** The middle of the cube; `deeper` is towards the submap's +x, which is the world's +y. */
const point = (deeper, row, red) => ({ place: [32768 + deeper, 32767, 32767], row, colour: [red, 2, 3, 255] });

test("the nearest point under the pointer is found with its frame, exactly where it is", () => {
  const { table, root } = scene([point(3000, 0, 10), point(0, 0, 20), point(-9000, 1, 30)]);
  const found = pickInNode(root, 3, table, RAY, drawn, everything);
  assert.equal(found.colour[0], 20); // the third is nearer, but of a frame that lies 4 m aside
  assert.equal(found.row, 0);
  const place = table.worldFromSubmap(0, found.inSubmap);
  const inSubmap = -5 + (32768 / 65535) * 10;
  assert.ok(Math.abs(place[1] - (NORTH + 2 * inSubmap)) < 1e-8);
  assert.equal(pickInNode(root, 3, table, { ...RAY, x: 20 }, drawn, everything).colour[0], 30);
});

test("what is cut away or has no pose is not found", () => {
  const { table, root } = scene([point(0, 0, 10)]);
  assert.equal(pickInNode(root, 1, table, RAY, drawn, () => false), null);
  table.setPoses(decodePoses(posesAnswer([{ ...pose(0), translation: [NaN, NaN, NaN] }], 2)));
  assert.equal(pickInNode(root, 1, table, RAY, drawn, everything), null);
});

test("a point counts as far as it is drawn; beside it only where nothing is under the pointer", () => {
  const { table, root } = scene([point(0, 0, 10)]);
  const aside = (x) => ({ ...RAY, x });
  assert.equal(pickInNode(root, 1, table, aside(1.9), drawn, everything).colour[0], 10);
  assert.equal(pickInNode(root, 1, table, aside(2.1), drawn, everything), null);
  assert.equal(pickInNode(root, 1, table, aside(5.9), beside(), everything).colour[0], 10);
});

test("what lies far behind what is seen is not taken for it", () => {
  const { table, root } = scene([point(-1000, 0, 10), point(0, 0, 20), point(30000, 0, 30)]);
  const { depth, colour } = pickInNode(root, 3, table, RAY, drawn, everything);
  assert.equal(colour[0], 10);
  const far = pickInNode(root, 3, table, RAY, onSurface(depth / 2), everything);
  assert.equal(far, null);
  assert.equal(pickInNode(root, 3, table, RAY, onSurface(depth), everything).colour[0], 10);
});

test("a cone meets spheres that it touches and no others", () => {
  assert.ok(meets(RAY, [EAST, NORTH, 100], 1, 2));
  assert.ok(meets(RAY, [EAST + 5, NORTH, 100], 4.9, 2));
  assert.ok(!meets(RAY, [EAST + 50, NORTH, 100], 4.9, 2));
  assert.ok(!meets(RAY, [EAST, NORTH - 200, 100], 5, 2));
});

test("a place on the screen and the ray through it belong together", () => {
  const eye = new Eye();
  eye.resize(800, 600);
  eye.look([EAST, NORTH, 100], [EAST + 30, NORTH + 40, 90]);
  const place = [EAST + 33, NORTH + 37, 95];
  const { x, y, inFront } = eye.project(place);
  assert.ok(inFront);
  const along = eye.direction(x, y);
  const away = Math.hypot(33, 37, 5);
  [33, 37, -5].forEach((value, axis) => assert.ok(Math.abs(along[axis] - value / away) < 1e-9));
});

test("a camera is found beside the pointer", () => {
  const centres = [[EAST + 1, NORTH, 100], [EAST + 30, NORTH, 100], null];
  const table = { centre: (row) => centres[row] };
  assert.equal(pickCamera([0, 1, 2], table, RAY, 12), 0);
  assert.equal(pickCamera([1, 2], table, RAY, 12), null);
});
