/** A box that cuts off what lies outside, set by two sliders an axis. */
import { element, slider, tick } from "../dom.js";
import { lengthText } from "../words/format.js";

const AXES = ["x", "y", "height"]; // upright coordinates, as in exports
const STEPS = 1000; // of a slider over the scene
const NARROWEST = 1; // steps between both ends

/** Six sliders over the bounds of the scene; a box is only set while it is ticked. */
export class ClipBox {
  /** @param {import("../run_view.js").RunView} run */
  constructor(run) {
    this.run = run;
    this.tick = tick("clip to a box", false, (on) => this.#apply(on));
    this.rows = AXES.flatMap((axis, i) => [this.#slider(axis, i, 0), this.#slider(axis, i, 1)]);
    this.sliders = element("div", { class: "stack", hidden: true }, ...this.rows.map((row) => row.row));
    this.root = element("fieldset", {}, element("legend", { text: "Clip" }), this.tick.row, this.sliders);
    this.show();
  }

  #slider(axis, i, end) {
    const name = `${axis} ${end ? "to" : "from"}`;
    const range = { min: 0, max: STEPS, step: 1, value: end ? STEPS : 0 };
    return slider(
      name,
      range,
      (step) => lengthText(this.#place(i, step), this.run.units),
      () => this.#moved(i, end),
    );
  }

  #place(axis, step) {
    const { min, max } = this.run.bounds();
    return min[axis] + ((max[axis] - min[axis]) * step) / STEPS;
  }

  #moved(axis, end) {
    const [low, high] = [this.rows[2 * axis], this.rows[2 * axis + 1]];
    const [from, to] = [Number(low.input.value), Number(high.input.value)];
    if (from + NARROWEST > to) (end ? high : low).set(end ? from + NARROWEST : to - NARROWEST);
    this.#apply(true);
  }

  #apply(on) {
    const values = this.rows.map((row, i) => this.#place(Math.floor(i / 2), Number(row.input.value)));
    const box = { min: [values[0], values[2], values[4]], max: [values[1], values[3], values[5]] };
    this.run.viewer.set({ clip: on ? box : null });
    this.sliders.hidden = !on;
  }

  /** Follow what the viewer has: a reload may bring a box back. */
  show() {
    const { clip } = this.run.viewer.settings;
    this.tick.input.checked = clip !== null;
    this.sliders.hidden = clip === null;
    if (clip === null) return;
    const { min, max } = this.run.bounds();
    const step = (value, i) => Math.round((STEPS * (value - min[i])) / Math.max(max[i] - min[i], 1e-12));
    AXES.forEach((_, i) => {
      if (document.activeElement !== this.rows[2 * i].input) this.rows[2 * i].set(step(clip.min[i], i));
      if (document.activeElement !== this.rows[2 * i + 1].input) this.rows[2 * i + 1].set(step(clip.max[i], i));
    });
  }
}
