#!/bin/sh
# three.js 0.187.0: PLYLoader on one cloud of 256 greys, with the types of numbers that other programs write into a PLY.
# Needs node, npm and Chromium (CHROMIUM=PATH where it has another name).
#
# Guess, written down first: 256 points with the greys 0 to 255 are drawn in these greys, whether the file holds colours as
# uchar, ushort or float, and positions as float or double (as Open3D and CloudCompare write them).
# Seen: colours of uchar, the usual ones, are made linear and stored in 8 bits again, so only 183 greys are left: 0 to 6 are
# drawn as 0, and 7 to 17 as 13; ushort and float keep all 256, and so do uchar colours in PCD and XYZ. Positions of double
# become a Float64Array, which the loader gives without a word and WebGLRenderer refuses to draw. Until 0.184.0 both were
# floats of 32 bits.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit three@0.187.0 playwright-core@1.65.1 >/dev/null
cat > seen.mjs <<'PAGE'
import * as THREE from "three";
import { PCDLoader } from "three/addons/loaders/PCDLoader.js";
import { PLYLoader } from "three/addons/loaders/PLYLoader.js";
import { XYZLoader } from "three/addons/loaders/XYZLoader.js";

const GREYS = Array.from({ length: 256 }, (_, grey) => grey);
const FULL = { uchar: 255, ushort: 65535, float: 1 };

/** One point in the middle of each of 256 pixels: its coordinates, and three times what `colour` makes of its grey. */
function lines(colour) {
  return GREYS.map((grey) => `${grey + 0.5} 0.5 0 ${colour(grey)}`).join("\n") + "\n";
}

function ply(position, colour) {
  const axes = ["x", "y", "z"].map((name) => `property ${position} ${name}\n`).join("");
  const channels = ["red", "green", "blue"].map((name) => `property ${colour} ${name}\n`).join("");
  const value = (grey) => Array(3).fill((grey / 255) * FULL[colour]).join(" ");
  const text = `ply\nformat ascii 1.0\nelement vertex 256\n${axes}${channels}end_header\n${lines(value)}`;
  return new PLYLoader().parse(text);
}

function pcd() {
  const header = "VERSION .7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 256\nHEIGHT 1\n";
  const text = `${header}VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 256\nDATA ascii\n${lines((grey) => grey * 0x10101)}`;
  return new PCDLoader().parse(new TextEncoder().encode(text).buffer).geometry;
}

function xyz() {
  return new XYZLoader().parse(lines((grey) => `${grey} ${grey} ${grey}`));
}

/** The grey of every pixel of a picture of the points, or what the renderer said. */
function drawn(geometry) {
  const renderer = new THREE.WebGLRenderer({ antialias: false });
  renderer.setSize(256, 1);
  const material = new THREE.PointsMaterial({ size: 1, sizeAttenuation: false, vertexColors: true });
  const camera = new THREE.OrthographicCamera(0, 256, 1, 0, -1, 1);
  const pixels = new Uint8Array(4 * 256);
  try {
    renderer.setClearColor(0xff0000);
    renderer.render(new THREE.Scene().add(new THREE.Points(geometry, material)), camera);
    const gl = renderer.getContext();
    gl.readPixels(0, 0, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return { greys: GREYS.map((i) => pixels[4 * i + 1]) };
  } catch (error) {
    return { said: error.message.slice(0, 60) };
  } finally {
    renderer.dispose();
  }
}

function look(name, geometry) {
  const kinds = ["position", "color"].map((key) => geometry.getAttribute(key).array.constructor.name);
  return { name, kinds, ...drawn(geometry) };
}

window.seen = {
  revision: THREE.REVISION,
  clouds: [
    ...["uchar", "ushort", "float"].map((colour) => look(`PLY float, ${colour}`, ply("float", colour))),
    look("PLY double, float", ply("double", "float")),
    look("PCD", pcd()),
    look("XYZ", xyz()),
  ],
};
PAGE
cat > run.mjs <<'NODE'
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const SITE = "http://page.test";
const PAGE = `<script type="importmap">{"imports": {"three": "${SITE}/node_modules/three/build/three.module.js",
"three/addons/": "${SITE}/node_modules/three/examples/jsm/"}}</script><script type="module" src="/seen.mjs"></script>`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
const page = await browser.newPage();
await page.route("**/*", (route) => {
  const path = new URL(route.request().url()).pathname;
  if (path === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
  return route.fulfill({ contentType: "text/javascript", body: readFileSync(`.${path}`) });
});
await page.goto(SITE);
await page.waitForFunction(() => window.seen);
const { revision, clouds } = await page.evaluate(() => window.seen);
console.log(`three.js ${revision}, Chromium ${browser.version()}, greys 0 to 255 as they are drawn`);
await browser.close();

for (const { name, kinds, greys, said } of clouds) {
  const what = greys ? `${new Set(greys).size} greys: ${greys.slice(0, 20).join(" ")} ...` : said;
  console.log(`  ${name} (${kinds.join(", ")}): ${what}`);
  if (name === "PLY double, float") {
    assert(kinds[0] === "Float64Array" && said?.includes("Unsupported buffer data format"), "doubles are another now");
  } else if (name === "PLY float, uchar") {
    assert(new Set(greys).size === 183 && greys.indexOf(13) === 7, "colours of 8 bits are others now");
    assert(greys[6] === 0 && greys[17] === 13, "dark colours of 8 bits are others now");
  } else {
    assert(greys.every((grey, i) => Math.abs(grey - i) <= 1) && new Set(greys).size === 256, `${name} is another now`);
  }
}
NODE
node run.mjs
