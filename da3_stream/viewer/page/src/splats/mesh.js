/** What GaussianSplats3D draws: one mesh of all splats that are shown. Their order is given to it. */
import { LogLevel, SceneRevealMode, SplatBuffer, SplatMesh, SplatRenderMode } from "@mkkellogg/gaussian-splats-3d";
import { subtract } from "../tables/float64.js";

const BLUR = 0.3; // square pixels, as da3_stream/rendering has
const MOST_PIXELS = 2048; // of half a splat

export class DrawnSplats {
  /** @param {import("./baking.js").Baked} baked */
  constructor(baked) {
    this.origin = baked.origin;
    // moves as a whole (true): only so are directions of sight told in its own frame
    this.mesh = new SplatMesh(
      SplatRenderMode.ThreeD, true, false, false, 1, false, false, false, MOST_PIXELS, LogLevel.None, baked.degree, 1, BLUR,
    );
    this.mesh.frustumCulled = false;
    this.mesh.build([new SplatBuffer(baked.buffer)], [{}]);
    this.mesh.freeIntermediateSplatData(); // once they are on the graphics card
    this.mesh.scenes[0].splatBuffer = null;
  }

  /** @param {Uint32Array} sorted the farthest first @param {number} count of them */
  setOrder(sorted, count) {
    this.mesh.updateRenderIndexes(sorted.subarray(0, count), count);
  }

  /** Before every picture. @param {import("../scene/eye.js").Eye} eye @param {import("../scene/renderer.js").Renderer} renderer */
  place(eye, renderer) {
    const { mesh } = this;
    const ratio = renderer.pixelRatio;
    mesh.position.set(...subtract(this.origin, eye.position));
    mesh.updateTransforms();
    const size = { x: renderer.width * ratio, y: renderer.height * ratio };
    mesh.updateUniforms(size, eye.focal * ratio, eye.focal * ratio, false, 1, 1);
    mesh.updateVisibleRegionFadeDistance(SceneRevealMode.Instant);
  }

  dispose() {
    this.mesh.removeFromParent();
    this.mesh.dispose();
  }
}
