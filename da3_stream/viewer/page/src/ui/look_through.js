/** While one looks through a camera: its picture over the scene, as much as one likes. */
import { element, slider } from "./dom.js";
import { percent } from "./words/format.js";

/** The picture lies exactly where the camera sees it: what the reconstruction has wrong shows at once. */
export class LookThrough {
  /** @param {import("./run_view.js").RunView} run @param {import("./memory.js").Memory} memory */
  constructor(run, memory) {
    [this.run, this.memory] = [run, memory];
    this.image = element("img", { class: "through", alt: "", hidden: true, onerror: () => (this.image.hidden = true) });
    const range = { min: 0, max: 1, step: 0.05, value: memory.get("through", 0.5) };
    this.share = slider("Picture over the scene", range, percent, (share) => this.#setShare(share));
    this.control = element("div", { class: "through-control", hidden: true }, this.share.row);
    this.#setShare(range.value);
    run.viewer.on("tick", () => this.show());
  }

  #setShare(share) {
    this.memory.set("through", share);
    this.image.style.opacity = String(share);
  }

  show() {
    const [row, place] = [this.run.lookedThrough, this.run.viewer.imageRectangle()];
    const address = row === null || place === null ? null : this.run.source.imageUrl(row);
    this.control.hidden = address === null;
    this.image.hidden = address === null;
    if (address === null) return;
    if (this.image.getAttribute("src") !== address) this.image.src = address;
    const { style } = this.image;
    [style.left, style.top] = [`${place.x}px`, `${place.y}px`];
    [style.width, style.height] = [`${place.width}px`, `${place.height}px`];
  }
}
