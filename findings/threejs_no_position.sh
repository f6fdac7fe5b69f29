#!/bin/sh
# three.js 0.187.0: Points whose places come from an attribute of another name than `position`, by a shader of one's own.
# Needs node, npm and Chromium (CHROMIUM=PATH where it has another name).
#
# Guess, written down first: as many points are drawn as the attributes hold; without positions there are no bounds, so
# nothing is left out as out of sight, and a Raycaster finds nothing.
# Seen: nothing is drawn, without a word, until there is an index or setDrawRange. Then the points are drawn only while the
# origin is in sight, at least 1 within every edge, wherever they are themselves: the bounding sphere is one of radius -1
# around it, and takes part. frustumCulled = false draws them. A Raycaster finds nothing, but raises a TypeError where its
# ray goes through the origin.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit three@0.187.0 playwright-core@1.65.1 >/dev/null
cat > seen.mjs <<'PAGE'
import * as THREE from "three";

const COUNT = 8;
const renderer = new THREE.WebGLRenderer({ antialias: false });
renderer.setSize(COUNT, COUNT);

/** A camera that sees 8 x 8 units around (x, 0); a pixel is a unit. */
function cameraAt(x) {
  return new THREE.OrthographicCamera(x - 4, x + 4, 4, -4, -10, 10);
}

/** A row of points, one in each column of that picture. */
function rowAt(x, name) {
  const places = Float32Array.from({ length: 3 * COUNT }, (_, i) => (i % 3 === 0 ? x - 3.5 + i / 3 : 0.5));
  const geometry = new THREE.BufferGeometry().setAttribute(name, new THREE.BufferAttribute(places, 3));
  const declared = name === "position" ? "" : `attribute vec3 ${name};`; // three.js declares `position` itself
  const vertexShader = `${declared} void main() {
    gl_Position = projectionMatrix * modelViewMatrix * vec4(${name}, 1.0);
    gl_PointSize = 1.0;
  }`;
  const fragmentShader = "void main() { gl_FragColor = vec4(1.0); }";
  return new THREE.Points(geometry, new THREE.ShaderMaterial({ vertexShader, fragmentShader }));
}

function drawn(points, x) {
  renderer.setClearColor(0);
  renderer.render(new THREE.Scene().add(points), cameraAt(x));
  const pixels = new Uint8Array(4 * COUNT * COUNT);
  const gl = renderer.getContext();
  gl.readPixels(0, 0, COUNT, COUNT, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return pixels.filter((value, i) => i % 4 === 0 && value > 0).length;
}

/** What a ray straight down through (x, y) meets. */
function met(points, x, y) {
  const ray = new THREE.Raycaster(new THREE.Vector3(x, y, 5), new THREE.Vector3(0, 0, -1));
  try {
    return ray.intersectObject(points).length;
  } catch (error) {
    return error.name;
  }
}

const WAYS = {
  "as it is": () => {},
  "with an index": (points) => points.geometry.setIndex([...Array(COUNT).keys()]),
  setDrawRange: (points) => points.geometry.setDrawRange(0, COUNT),
  "setDrawRange, frustumCulled = false": (points) => {
    points.geometry.setDrawRange(0, COUNT);
    points.frustumCulled = false;
  },
};
const pictures = [];
for (const name of ["position", "place"]) {
  for (const [way, change] of Object.entries(WAYS)) {
    const counts = [0, 3.5, 100].map((x) => {
      const points = rowAt(x, name);
      change(points);
      return drawn(points, x);
    });
    pictures.push({ name, way, counts });
  }
}
const row = rowAt(0, "place");
row.geometry.setDrawRange(0, COUNT);
const rays = [met(row, 0, 0), met(row, 2.5, 0.5)];
window.seen = { revision: THREE.REVISION, pictures, rays, radius: row.geometry.boundingSphere.radius };
PAGE
cat > run.mjs <<'NODE'
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const SITE = "http://page.test";
const PAGE = `<script type="importmap">{"imports": {"three": "${SITE}/node_modules/three/build/three.module.js"}}</script>
<script type="module" src="/seen.mjs"></script>`;
const ALL = [8, 8, 8];
const EXPECTED = { "as it is": [0, 0, 0], "with an index": [8, 0, 0], setDrawRange: [8, 0, 0] };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
const page = await browser.newPage();
const complaints = [];
page.on("console", (said) => complaints.push(said.text()));
await page.route("**/*", (route) => {
  const path = new URL(route.request().url()).pathname;
  if (path === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
  return route.fulfill({ contentType: "text/javascript", body: readFileSync(`.${path}`) });
});
await page.goto(SITE);
await page.waitForFunction(() => window.seen);
const { revision, pictures, rays, radius } = await page.evaluate(() => window.seen);
console.log(`three.js ${revision}, Chromium ${browser.version()}; a row of 8 points that fills the picture, drawn where the`);
console.log("origin is in the middle of the picture, 0.5 from its left edge, 96 to the left of it");
await browser.close();

for (const { name, way, counts } of pictures) {
  console.log(`  attribute ${name}, ${way}: ${counts.join(", ")}`);
  const expected = name === "position" ? ALL : (EXPECTED[way] ?? ALL);
  assert.deepStrictEqual(counts, expected, `${name}, ${way}: another number now`);
}
const warned = complaints.filter((text) => /three|geometry|position/i.test(text));
console.log(`  radius ${radius}; a ray through the origin: ${rays[0]}, through a point: ${rays[1]}; warnings: ${warned.length}`);
assert.deepStrictEqual([radius, ...rays, warned.length], [-1, "TypeError", 0, 0], "bounds, rays or warnings are others now");
NODE
node run.mjs
