/** What is measured and marked, drawn over the scene: crisp at any distance, and never hidden by it. */
import { drawing, element } from "../ui/dom.js";
import { positionOf } from "./anchor.js";

const CROSS = 7; // pixels

/**
 * @typedef {{points: number[][], closed: boolean, label: string, kind: "done"|"open"|"mark"}} Shape points in the world
 */

/** An SVG over the picture, which follows the eye. */
export class Overlay {
  /** @param {import("../ui/run_view.js").RunView} run @param {() => Shape[]} shapes what shall be seen now */
  constructor(run, shapes) {
    [this.run, this.shapes] = [run, shapes];
    this.sheet = drawing("svg", { width: "100%", height: "100%" });
    this.root = element("div", { class: "overlay", "aria-hidden": "true" }, this.sheet);
    run.viewer.on("tick", () => this.draw());
    run.viewer.on("poses", () => this.draw());
  }

  draw() {
    const shapes = this.shapes();
    if (!shapes.length && !this.sheet.childElementCount) return;
    this.sheet.replaceChildren(...shapes.flatMap((shape) => this.#shape(shape)));
  }

  #shape({ points, closed, label, kind }) {
    const places = points.map((point) => this.run.viewer.project(point));
    const seen = places.filter((place) => place.inFront);
    const parts = this.#lines(places, closed).map(([a, b]) =>
      drawing("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: `line ${kind}` }),
    );
    for (const place of seen)
      parts.push(
        ...(kind === "mark"
          ? cross(place)
          : [drawing("circle", { cx: place.x, cy: place.y, r: 4, class: `dot ${kind}` })]),
      );
    if (seen.length && label)
      parts.push(drawing("text", { ...labelPlace(seen), class: `label ${kind}` }, document.createTextNode(label)));
    return parts;
  }

  /** Sides with both ends before the eye. */
  #lines(places, closed) {
    const count = closed && places.length > 2 ? places.length : places.length - 1;
    const sides = Array.from({ length: Math.max(0, count) }, (_, i) => [places[i], places[(i + 1) % places.length]]);
    return sides.filter(([a, b]) => a.inFront && b.inFront);
  }
}

const cross = ({ x, y }) => [
  drawing("line", { x1: x - CROSS, y1: y, x2: x + CROSS, y2: y, class: "line mark" }),
  drawing("line", { x1: x, y1: y - CROSS, x2: x, y2: y + CROSS, class: "line mark" }),
];

function labelPlace(places) {
  const middle = (axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
  return { x: middle("x") + 10, y: middle("y") - 10 };
}

/** The places of anchors that have a pose now. */
export const placesOf = (run, anchors) =>
  anchors.map((anchor) => positionOf(run, anchor)).filter((place) => place !== null);
