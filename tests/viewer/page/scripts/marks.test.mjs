import assert from "node:assert/strict";
import { test } from "node:test";

import { csvText } from "../../../../da3_stream/viewer/page/src/tools/csv.js";
import {
  gcpListText,
  isCoordinateSystem,
  whatIsThin,
  whyNoFile,
} from "../../../../da3_stream/viewer/page/src/tools/gcp_list.js";
import { mapFromWorld, worldFromMap } from "../../../../da3_stream/viewer/page/src/tools/georeference.js";
import { projectInto } from "../../../../da3_stream/viewer/page/src/tools/projection.js";

const picture = (image, x = 3044, y = 2622) => ({ row: 0, image, x, y });
const point = (label, pictures, coordinates = [544256.7, 5320919.9, 5]) => ({ label, coordinates, pictures });

test("a line is geo_x geo_y geo_z im_x im_y image_name gcp_name under the coordinate system", () => {
  const text = gcpListText("EPSG:32610", [point("kerb 1", [picture("IMG_0525.jpg"), picture("b/c.jpg", 1.25, 2)])]);
  assert.equal(
    text,
    "EPSG:32610\n544256.700 5320919.900 5.000 3044.00 2622.00 IMG_0525.jpg kerb_1\n" +
      "544256.700 5320919.900 5.000 1.25 2.00 b/c.jpg kerb_1\n",
  );
});

test("a height that nobody knows is NaN, degrees have nine digits", () => {
  const text = gcpListText("EPSG:4326", [point("A", [picture("a.jpg")], [11.123456789, 48.5, null])]);
  assert.equal(text.split("\n")[1], "11.123456789 48.500000000 NaN 3044.00 2622.00 a.jpg A");
});

test("coordinate systems are codes, UTM zones and PROJ texts", () => {
  const proj = "+proj=utm +zone=10 +ellps=WGS84 +datum=WGS84 +units=m +no_defs";
  for (const good of ["EPSG:4326", "WGS84 UTM 16N", "WGS84 UTM 7S", proj]) assert.ok(isCoordinateSystem(good), good);
  for (const bad of ["", "UTM 16N", "WGS84 UTM 61N", "EPSG:32632\n1 2 3", "epsg", "PROJCS[]"]) {
    assert.ok(!isCoordinateSystem(bad), bad);
  }
});

test("what makes no file is said by name", () => {
  assert.match(whyNoFile("EPSG:32632", []), /No picture is marked/);
  assert.match(whyNoFile("here", [point("A", [picture("a.jpg")])]), /coordinate system/);
  assert.match(whyNoFile("EPSG:32632", [point("A", [picture("a.jpg")], [NaN, 1, 2])]), /A has no coordinates/);
  assert.match(whyNoFile("EPSG:32632", [point("A", [picture("a b.jpg")])]), /spaces: rename a b.jpg/);
  assert.throws(() => gcpListText("here", []), /No picture/);
});

test("five points of three pictures are enough", () => {
  const full = (label) =>
    point(
      label,
      ["a", "b", "c"].map((name) => picture(`${name}.jpg`)),
    );
  assert.match(whatIsThin([full("A")]), /1 so far/);
  assert.equal(whatIsThin([..."ABCDE"].map(full)), null);
});

test("coordinates of the map lead back to the world", () => {
  const [s, c] = [Math.sin(0.3), Math.cos(0.3)];
  const origin = {
    crs: "EPSG:32632",
    scale: 2.5,
    rotation: [
      [c, -s, 0],
      [s, c, 0],
      [0, 0, 1],
    ],
    translation: [500000, 5600000, 200],
  };
  const position = [12.5, -3.25, 0.75];
  const back = worldFromMap(origin, mapFromWorld(origin, position));
  back.forEach((value, i) => assert.ok(Math.abs(value - position[i]) < 1e-6));
  assert.ok(Math.abs(mapFromWorld(origin, [1, 0, 0])[0] - (500000 + 2.5 * c)) < 1e-9);
});

test("a point falls where the pinhole says, in pixels of the size that is asked for", () => {
  const axes = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const camera = { centre: [1, 0, 0], axes, fx: 100, fy: 100, cx: 50, cy: 40, width: 100, height: 80 };
  const found = projectInto(camera, [2, 1, 10], { width: 1000, height: 800 });
  assert.deepEqual(
    [found.x, found.y, found.depth].map((v) => Math.round(v * 1e6) / 1e6),
    [600, 500, 10],
  );
  assert.equal(projectInto(camera, [2, 1, -10], { width: 1000, height: 800 }), null);
  assert.equal(projectInto(camera, [20, 1, 10], { width: 1000, height: 800 }), null);
});

test("names that a spreadsheet would run, and such with commas, stay texts", () => {
  assert.equal(
    csvText(
      ["name", "m"],
      [
        ["=1+1", 2.5],
        ['a,"b"', null],
      ],
    ),
    'name,m\r\n\'=1+1,2.5\r\n"a,""b""",\r\n',
  );
});
