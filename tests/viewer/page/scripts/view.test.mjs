import assert from "node:assert/strict";
import { test } from "node:test";
import { Controls } from "../../../../da3_stream/viewer/page/src/scene/controls.js";
import { Eye } from "../../../../da3_stream/viewer/page/src/scene/eye.js";
import { readView, writeView } from "../../../../da3_stream/viewer/page/src/scene/kept_view.js";
import { defaultSettings, withChanges } from "../../../../da3_stream/viewer/page/src/scene/settings.js";
import { distance, dot } from "../../../../da3_stream/viewer/page/src/tables/float64.js";
import { EAST, NORTH } from "./made_run.mjs";

function controls() {
  const eye = new Eye();
  eye.resize(800, 600);
  eye.look([EAST - 30, NORTH, 120], [EAST, NORTH, 100]);
  const element = { addEventListener() {} };
  return new Controls(element, eye, { moved() {}, anchor: () => [EAST, NORTH, 100] });
}

test("a view comes back from its address to the tenth of a millimetre", () => {
  const standpoint = { eye: [EAST, NORTH, 12.3456], at: [EAST + 1, NORTH, 0] };
  const clip = { min: [EAST, -20.25, -1.5], max: [EAST + 10, 30, 1e-3] };
  const changes = { colour: "trust", pointSize: 1.5, clip, show: { frusta: false, loops: false } };
  const settings = withChanges(defaultSettings(), changes);
  const read = readView(`#${writeView({ standpoint, settings })}`);
  [0, 1, 2].forEach((axis) => assert.ok(Math.abs(read.standpoint.eye[axis] - standpoint.eye[axis]) < 1e-4));
  assert.deepEqual(read.settings, changes);
  assert.deepEqual(withChanges(defaultSettings(), read.settings), settings);
  assert.equal(writeView({ standpoint: null, settings: defaultSettings() }), "");
  const junks = ["", "#", "#eye=1,2&at=1,2,3", "#eye=a,b,c&at=1,2,3", "#at=1,2,3", "#colour=mud&size=-1&clip=1,2&hide=masks", "#size=Infinity"];
  for (const junk of junks) assert.deepEqual(readView(junk), { standpoint: null, settings: {} });
});

test("turning keeps the distance and the horizon, and stops at the poles", () => {
  const { eye } = controls();
  const control = controls();
  const before = distance(control.eye.position, control.eye.target);
  for (let k = 0; k < 400; k++) control.turn(7, 9);
  assert.ok(Math.abs(distance(control.eye.position, control.eye.target) - before) < 1e-6);
  assert.ok(dot(control.eye.forward, [0, 0, 1]) < -0.99);
  assert.notDeepEqual(control.eye.position, eye.position);
});

test("what is under the pointer stays there when one comes nearer", () => {
  const control = controls();
  const anchor = [EAST + 4, NORTH + 3, 101];
  control.events.anchor = () => anchor;
  const { x, y } = control.eye.project(anchor);
  control.approach(0.5, x, y);
  const after = control.eye.project(anchor);
  assert.ok(Math.hypot(after.x - x, after.y - y) < 1e-6);
});

test("the target stays under the pointer that shifts", () => {
  const control = controls();
  const place = control.eye.target;
  control.shift(30, -20);
  const { x, y } = control.eye.project(place);
  assert.ok(Math.abs(x - 430) < 1e-6 && Math.abs(y - 280) < 1e-6);
});

test("an eye that looks through a camera sees its whole picture", () => {
  const eye = new Eye();
  eye.resize(400, 800);
  eye.standAsCamera({ centre: [EAST, NORTH, 0], orientation: [0, 0, 0, 1], intrinsics: [300, 300, 320, 240, 640, 480] }, 10);
  const { x, y, width, height } = eye.imageRectangle([300, 300, 320, 240, 640, 480]);
  assert.ok(Math.abs(x) < 1e-9 && Math.abs(width - 400) < 1e-9 && Math.abs(height - 300) < 1e-9 && Math.abs(y - 250) < 1e-9);
  const ahead = eye.project([EAST + 1, NORTH + 0.5, 10]); // right and down in the picture
  assert.ok(ahead.inFront && ahead.x > 200 && ahead.y > 400);
});

test("settings that are none are refused", () => {
  assert.throws(() => withChanges(defaultSettings(), { color: "rgb" }), /no setting color/);
  assert.throws(() => withChanges(defaultSettings(), { colour: "pink" }), /"pink" is no colour/);
  assert.equal(withChanges(defaultSettings(), { show: { path: false } }).show.points, true);
});
