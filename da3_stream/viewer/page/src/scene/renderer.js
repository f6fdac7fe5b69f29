/** Draws when something changed, and only then. */
import { PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { split } from "../tables/float64.js";

/** More pixels than this a CSS pixel cost time and show nothing. */
const MOST_PIXEL_RATIO = 2;
const BACKGROUND = 0x14171c;

export class Renderer {
  /** @param {HTMLElement} root @param {{draw: (seconds: number) => boolean, resized: () => void}} events */
  constructor(root, events) {
    this.events = events;
    this.root = root;
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(); // stays at the origin: all places are relative to the eye
    this.renderer = new WebGLRenderer({ antialias: false, powerPreference: "high-performance", stencil: false });
    this.renderer.setClearColor(BACKGROUND, 1);
    this.renderer.sortObjects = false;
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("aria-label", "points and cameras of the run");
    root.append(this.canvas);
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault()); // so that it may be restored
    this.canvas.addEventListener("webglcontextrestored", () => this.invalidate());
    this.pending = 0;
    this.lastDrawn = 0;
    this.framesPerSecond = 0;
    this.waiting = [];
    new ResizeObserver(() => this.resize()).observe(root);
    this.resize();
  }

  get pixelRatio() {
    return this.renderer.getPixelRatio();
  }

  resize() {
    this.width = Math.max(1, this.root.clientWidth);
    this.height = Math.max(1, this.root.clientHeight);
    this.renderer.setPixelRatio(Math.min(MOST_PIXEL_RATIO, window.devicePixelRatio || 1));
    this.renderer.setSize(this.width, this.height, true);
    this.events.resized(this.width, this.height);
    this.invalidate();
  }

  /** Asks for one more picture. */
  invalidate() {
    if (!this.pending) this.pending = requestAnimationFrame((now) => this.#draw(now));
  }

  /** Resolves when the next picture was drawn. */
  drawn() {
    this.invalidate();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  #draw(now) {
    this.pending = 0;
    const seconds = (now - this.lastDrawn) / 1000;
    this.lastDrawn = now;
    if (seconds > 0 && seconds < 1) this.framesPerSecond += (1 / seconds - this.framesPerSecond) * 0.2;
    const goesOn = this.events.draw(seconds);
    for (const resolve of this.waiting.splice(0)) resolve();
    if (goesOn) this.invalidate();
  }

  /** Draws as the eye sees; `shared` (of eyeUniforms) tells all shaders where it is. */
  render(eye, shared) {
    const { camera } = this;
    Object.assign(camera, { fov: eye.fovDeg, aspect: eye.width / eye.height, near: eye.near, far: eye.far });
    camera.quaternion.set(...eye.orientation);
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
    const [x, y, z] = eye.position.map(split);
    shared.u_eye_high.value.set(x[0], y[0], z[0]);
    shared.u_eye_low.value.set(x[1], y[1], z[1]);
    shared.u_clip_from_relative.value.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    shared.u_viewport.value.set(this.width * this.pixelRatio, this.height * this.pixelRatio);
    shared.u_near.value = eye.near;
    this.renderer.render(this.scene, camera);
  }

  /** The picture as it was drawn last, without what lies over it. @returns {Promise<Blob>} png */
  capture() {
    this.renderer.render(this.scene, this.camera); // the buffer is only there right after drawing
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture could be made"))), "image/png");
    });
  }
}
