import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseNodes, seenSpacing } from "../../../../da3_stream/viewer/page/src/scene/levels.js";
import { decodeFrames, decodePoses } from "../../../../da3_stream/viewer/page/src/tables/decoding.js";
import { EAST, FrameTable, framesAnswer, node, NORTH, placedSubmap, pose, posesAnswer } from "./made_run.mjs";

const OCTANTS = [0, 1, 2, 3, 4, 5, 6, 7];

function table(shift = 0) {
  const made = new FrameTable();
  made.append(decodeFrames(framesAnswer(2)));
  made.setPoses(decodePoses(posesAnswer([pose(0), pose(1, shift)])));
  return made;
}

/** A root of 10 with eight children, each with a child of its own in its corner. */
function tree() {
  const child = (key, centre, size, octant) => {
    const sign = [octant & 1 ? 1 : -1, octant & 2 ? 1 : -1, octant & 4 ? 1 : -1];
    return node(key, centre.map((value, axis) => value + (sign[axis] * size) / 2), size, 100);
  };
  const children = OCTANTS.map((octant) => child(`r${octant}`, [0, 0, 0], 5, octant));
  const grandchildren = children.map((parent, octant) => child(`r${octant}${octant}`, parent.centre, 2.5, octant));
  return [node("r", [0, 0, 0], 10), ...children, ...grandchildren];
}

/** From the south, looking north along +y, 90 degrees wide. */
const view = (away) => {
  const half = Math.SQRT1_2;
  const planes = [[half, half, 0], [-half, half, 0], [0, half, half], [0, half, -half]];
  return { eye: [EAST, NORTH - away, 100], planes: planes.map((normal) => ({ normal, constant: 0 })), focal: 500, near: 0.1 };
};

const keys = (chosen) => chosen.map((item) => item.node.key).sort();

test("from afar a submap is a few points of its coarsest level; nearer, all levels come", () => {
  const roots = [placedSubmap(table(), tree()).nodes[0]];
  const far = chooseNodes(roots, view(10000), 1e6);
  assert.deepEqual(keys(far), ["r"]);
  assert.ok(far[0].points < 10);
  assert.deepEqual(keys(chooseNodes(roots, view(500), 1e6, 1.5)), ["r", ...OCTANTS.map((k) => `r${k}`)].sort());
  assert.equal(chooseNodes(roots, view(50), 1e6).length, 17);
});

test("what is behind the eye or beside the view is not chosen", () => {
  const roots = [placedSubmap(table(), tree()).nodes[0]];
  assert.deepEqual(chooseNodes(roots, view(-500), 1e6), []);
});

test("never more points than the budget, and coarse levels of everything before fine ones of anything", () => {
  const roots = [0, 1, 2].map(() => placedSubmap(table(), tree()).nodes[0]);
  const chosen = chooseNodes(roots, view(50), 1000);
  assert.ok(chosen.reduce((sum, item) => sum + item.points, 0) <= 1000);
  assert.deepEqual(chosen.slice(0, 3).map((item) => item.node.key), ["r", "r", "r"]);
  const scarce = chooseNodes(roots, view(50), 30);
  assert.equal(scarce.length, 3);
  assert.ok(scarce.every((item) => item.points === 5));
});

test("what was drawn finer stays until it is clearly too fine", () => {
  const root = placedSubmap(table(), tree()).nodes[0];
  const away = 10 + (2 * 1 * 500) / 1.4; // the root's points are 1.4 pixels apart, a little less than 1.5
  assert.equal(chooseNodes([root], view(away), 1e6, 1.5).length, 1);
  root.expanded = true;
  assert.ok(chooseNodes([root], view(away), 1e6, 1.3).length > 1);
});

test("spheres hold their points when frames of a submap move apart", () => {
  const still = placedSubmap(table(), tree());
  const torn = placedSubmap(table(30), tree());
  assert.ok(Math.abs(torn.nodes[0].worldRadius - still.nodes[0].worldRadius - 30) < 1e-6);
  assert.equal(still.nodes[0].worldSpacing, 2);
});

test("points look as far apart as the levels that are drawn make them", () => {
  const [root, ...rest] = placedSubmap(table(), tree()).nodes;
  assert.equal(seenSpacing(root, new Set([root])), 2);
  assert.equal(seenSpacing(root, new Set([root, ...rest.slice(0, 8)])), 1);
});
