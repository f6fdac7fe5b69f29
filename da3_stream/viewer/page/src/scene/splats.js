/** Splats are drawn by a script of its own (assets/splats.js), which comes when somebody wants to see them. */

/** Edge of the textures that they lie in, as the viewer of splats makes them. */
const TEXTURE = 4096;

let provide;
const provided = new Promise((resolve) => (provide = resolve));

/** The script gives itself to the page. @param {(viewer: import("./viewer.js").Viewer) => object} make */
export const provideSplats = (make) => provide(make);

export class Splats {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.layer = null;
    this.isAsked = false;
  }

  /** How many splats the run has, as far as this page can show them. */
  get offered() {
    return (this.viewer.state?.submaps ?? []).reduce((sum, { splats }) => sum + (splats ?? 0), 0);
  }

  get shown() {
    return this.layer?.isDrawn ? this.layer.count : 0;
  }

  get isDrawn() {
    return this.layer?.isDrawn ?? false;
  }

  get isWanted() {
    return this.viewer.settings.splats && this.offered > 0 && this.problem === null;
  }

  /** Why this browser cannot draw them, in a sentence; or null. */
  get problem() {
    const most = this.viewer.renderer.renderer.capabilities.maxTextureSize;
    if (most >= TEXTURE) return null;
    return `This browser cannot draw splats: its textures have at most ${most} pixels a side, and they need ${TEXTURE}.`;
  }

  get isIdle() {
    return !this.isWanted || (this.layer !== null && this.layer.isIdle);
  }

  /** Before every picture. */
  update() {
    if (!this.isWanted) this.layer?.hide();
    else if (this.layer) this.layer.update();
    else this.#fetch();
  }

  async #fetch() {
    if (this.isAsked) return;
    this.isAsked = true;
    const script = document.createElement("script");
    Object.assign(script, { type: "module", src: new URL("assets/splats.js", document.baseURI).href });
    script.addEventListener("error", () => {
      this.isAsked = false;
      script.remove();
      this.viewer.set({ splats: false });
      this.viewer.emit("connection", "The script that draws splats did not come; tick splats to ask for it again.");
    });
    document.head.append(script);
    this.layer = (await provided)(this.viewer);
    this.viewer.invalidate();
  }
}
