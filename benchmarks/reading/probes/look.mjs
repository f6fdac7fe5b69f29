// A GLB as three.js shows it in headless Chromium, from a camera of the file's axes:
// look.mjs NODE_MODULES CHROMIUM FILE PICTURE WIDTH HEIGHT VFOV_DEG MATRIX(16 numbers, column by column) POINT_PX
import fs from "fs";
import path from "path";
import { createRequire } from "module";

const [modules, program, file, picture, width, height, vfov, matrix, pointPx] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const page_html = `<!doctype html><style>body{margin:0}</style>
<script type="importmap">{"imports":{"three":"http://readers/three/build/three.module.js","three/addons/":"http://readers/three/examples/jsm/"}}</script>
<script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
try {
  const gltf = await new GLTFLoader().loadAsync("http://readers/file.glb");
  const renderer = new THREE.WebGLRenderer({ antialias: false, preserveDrawingBuffer: true });
  renderer.setPixelRatio(1); renderer.setSize(${width}, ${height}); renderer.setClearColor(0x000000, 1);
  document.body.appendChild(renderer.domElement);
  const scene = new THREE.Scene(); scene.add(gltf.scene);
  scene.add(new THREE.AmbientLight(0xffffff, 1));
  const camera = new THREE.PerspectiveCamera(${vfov}, ${width} / ${height}, 0.01, 10000);
  camera.matrixAutoUpdate = false; camera.matrix.fromArray(JSON.parse("${matrix}"));
  camera.updateMatrixWorld(true);
  const names = [];
  gltf.scene.traverse((each) => {
    if (each.name) names.push(each.name);
    if (each.isPoints) { each.material.size = ${pointPx}; each.material.sizeAttenuation = false; }
    if (each.isLine || /camera|path|frust/i.test(each.name)) each.visible = each.isLine ? false : each.visible;
  });
  renderer.render(scene, camera);
  window.found = { cameras: gltf.cameras.length, animations: gltf.animations.length, names };
} catch (error) { window.found = { error: String(error) }; }
</script>`;
const served = (url) => {
  const name = new URL(url).pathname;
  return name === "/file.glb" ? file : path.join(modules, name);
};
const flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];
const browser = await chromium.launch({ executablePath: program, args: flags });
try {
  const page = await browser.newPage({ viewport: { width: Number(width), height: Number(height) } });
  await page.route("http://readers/**", (route) => {
    if (new URL(route.request().url()).pathname === "/") return route.fulfill({ body: page_html, contentType: "text/html" });
    const body = fs.readFileSync(served(route.request().url()));
    return route.fulfill({ body, contentType: route.request().url().endsWith(".js") ? "text/javascript" : "model/gltf-binary" });
  });
  await page.goto("http://readers/");
  await page.waitForFunction(() => window.found, null, { timeout: 60000 });
  await page.screenshot({ path: picture });
  console.log(JSON.stringify({ ...(await page.evaluate(() => window.found)), browser: browser.version() }));
} finally {
  await browser.close();
}
