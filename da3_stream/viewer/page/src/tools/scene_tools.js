/** The tools that take points from the scene: a click gives one to whichever is at work. */
import { anchorOf } from "./anchor.js";
import { MarkedPoints } from "./marked_points.js";
import { Measurements } from "./measurements.js";
import { Overlay, placesOf } from "./overlay.js";
import { unitOf, withSigma } from "../ui/words/format.js";

const REACHES = [0, 9, 18]; // pixels around a click

/** Holds measurements and marks, and the mode that a click is taken for. */
export class SceneTools {
  /**
   * @param {import("../ui/run_view.js").RunView} run @param {import("../ui/memory.js").Memory} memory
   * @param {{changed: () => void, say: (text: string) => void}} calls
   */
  constructor(run, memory, calls) {
    [this.run, this.calls, this.marking] = [run, calls, false];
    this.measurements = new Measurements(run, memory);
    this.marks = new MarkedPoints(run, memory);
    this.overlay = new Overlay(run, () => this.#shapes());
    run.viewer.giveClicksTo((x, y) => this.#clicked(x, y));
  }

  /** What a click in the scene is for: "distance", "area", "mark", or null: it selects. */
  get mode() {
    return this.measurements.open?.kind ?? (this.marking ? "mark" : null);
  }

  /** The next click gives the chosen marked point its place. @param {"mark"} _mode */
  begin(_mode) {
    this.measurements.cancel();
    if (!this.marks.point) this.marks.add();
    this.marking = true;
    this.calls.say("Click or tap the point in the scene.");
    this.calls.changed();
  }

  cancel() {
    this.measurements.cancel();
    this.marking = false;
    this.calls.changed();
  }

  /** Forgets all that was measured and marked. */
  clear() {
    this.measurements.clear();
    this.marks.clear();
    this.cancel();
  }

  /** @returns {boolean} whether the click was taken */
  #clicked(x, y) {
    const { mode } = this;
    if (mode === null) return false;
    const picked = this.#pickNear(x, y);
    if (picked === null) this.calls.say("There is no point: click on one, or come nearer.");
    else this.#take(mode, anchorOf(this.run, picked.frameRow, picked.position, picked.confidence));
    return true;
  }

  /** The point under a place, else the first one around it: fingers are wide. */
  #pickNear(x, y) {
    for (const reach of REACHES) {
      for (let k = 0; k < (reach ? 8 : 1); k += 1) {
        const [dx, dy] = [reach * Math.cos((k * Math.PI) / 4), reach * Math.sin((k * Math.PI) / 4)];
        const picked = this.run.viewer.pick(x + dx, y + dy);
        if (picked !== null) return picked;
      }
    }
    return null;
  }

  #take(mode, anchor) {
    if (mode === "mark") {
      [this.marks.point.anchor, this.marks.point.coordinates, this.marking] = [anchor, null, false];
      this.marks.keep();
    } else this.measurements.add(anchor);
    this.calls.changed();
  }

  #shapes() {
    const { all, open } = this.measurements;
    const measured = all.map((measurement) => this.#shape(measurement, "done"));
    const marked = this.marks.all
      .filter((point) => point.anchor)
      .map((point) => ({
        points: placesOf(this.run, [point.anchor]),
        closed: false,
        label: point.label,
        kind: "mark",
      }));
    return [...measured, ...(open ? [this.#shape(open, "open")] : []), ...marked].filter(
      (shape) => shape.points.length,
    );
  }

  #shape(measurement, kind) {
    const value = kind === "done" ? this.measurements.value(measurement) : null;
    const unit = unitOf(this.run.units) + (measurement.kind === "area" ? "²" : "");
    const label = value === null ? "" : withSigma(value.value, value.sigma.total, unit);
    return { points: placesOf(this.run, measurement.anchors), closed: measurement.kind === "area", label, kind };
  }
}
