/** The panel of measuring: distances and areas, each with its sigma and what that is made of. */
import { button, keyButton, copyButton, download, element } from "../dom.js";
import { number, unitOf, withSigma } from "../words/format.js";

const HINTS = {
  distance: ["Click or tap the first point.", "Click or tap the second point."],
  area: [
    "Click or tap the first corner.",
    "Click or tap the next corner.",
    "Click or tap the next corner.",
    "Next corner, or Finish.",
  ],
};
const PARTS = [
  ["depth", "depth of the points along their rays"],
  ["across", "half a pixel across the rays"],
  ["path", "the path between their frames"],
  ["scale", "the scale of the run"],
];

/** Begins measurements, lists them with numbers that follow corrections, and gives them away. */
export class MeasurePanel {
  /** @param {import("../../tools/measurements.js").Measurements} measurements @param {() => void} onchange */
  constructor(measurements, onchange) {
    [this.measurements, this.onchange, this.run] = [measurements, onchange, measurements.run];
    this.hint = element("p", { class: "lead", role: "status" });
    this.begin = element(
      "div",
      { class: "buttons" },
      this.#starter("distance", "Distance", "M"),
      this.#starter("area", "Area", "R"),
    );
    this.going = element(
      "div",
      { class: "buttons" },
      keyButton("Finish", "Enter", () => this.act("finish")),
      keyButton("Undo", "Backspace", () => this.act("undo")),
      keyButton("Cancel", "Esc", () => this.act("cancel")),
    );
    this.scale = element("input", { inputmode: "decimal", placeholder: "not known", onchange: () => this.#setScale() });
    const label = "How far the metres may be off (sigma), per cent";
    this.scaleRow = element("label", { class: "row wide" }, element("span", { text: label }), this.scale);
    this.list = element("ul", { class: "list" });
    this.give = element(
      "div",
      { class: "buttons" },
      copyButton(() => this.#csv(), "Copy as CSV"),
      button("Download CSV", () => download(new Blob([this.#csv()], { type: "text/csv" }), "measurements.csv")),
    );
    this.root = element(
      "div",
      { class: "stack" },
      this.begin,
      this.hint,
      this.going,
      this.list,
      this.scaleRow,
      this.give,
    );
    this.run.viewer.on("poses", () => this.show());
    this.run.viewer.on("frames", () => this.show());
    this.show();
  }

  #starter(kind, text, key) {
    return keyButton(text, key, () => this.start(kind), { "data-kind": kind });
  }

  #setScale() {
    const value = Number(this.scale.value.trim().replace(",", ".") || NaN);
    this.measurements.setScaleSigma(value >= 0 && value <= 100 ? value / 100 : null);
    this.onchange();
    this.show();
  }

  #csv() {
    return this.measurements.csv(unitOf(this.run.units));
  }

  /** @param {"distance"|"area"} kind */
  start(kind) {
    this.measurements.begin(kind);
    this.onchange();
    this.show();
  }

  /** @param {"finish"|"undo"|"cancel"} deed */
  act(deed) {
    const { open } = this.measurements;
    const isThin = deed === "finish" && open !== null && open.anchors.length < 3;
    if (isThin) return (this.hint.textContent = "An area needs three corners: click or tap the next one.");
    this.measurements[deed]();
    this.onchange();
    this.show();
  }

  show() {
    const { open, all } = this.measurements;
    this.going.hidden = open === null;
    this.give.hidden = !all.length;
    this.scaleRow.hidden = !all.length || this.run.units !== "metres";
    const share = this.measurements.scaleSigma;
    if (document.activeElement !== this.scale)
      this.scale.value = share === null ? "" : String(Number((100 * share).toFixed(3)));
    this.hint.className = open ? "lead" : "quiet";
    this.hint.textContent = open
      ? HINTS[open.kind][Math.min(open.anchors.length, HINTS[open.kind].length - 1)]
      : this.#idle(all);
    for (const made of this.begin.children) made.setAttribute("aria-pressed", String(open?.kind === made.dataset.kind));
    if (this.list.contains(document.activeElement)) return; // what is being typed or read stays
    this.list.replaceChildren(...all.map((measurement) => element("li", {}, this.#entry(measurement))));
  }

  #idle(all) {
    if (this.run.units !== "metres")
      return "This run has no scale: lengths are in relative units. Give --camera-height, --scale or --path-length-m for metres.";
    return all.length ? "" : "Two points give a distance, three and more an area.";
  }

  #entry(measurement) {
    const value = this.measurements.value(measurement);
    const name = element("input", {
      class: "name",
      value: measurement.name,
      "aria-label": "Name",
      maxlength: 60,
      onchange: () => this.measurements.rename(measurement, name.value),
    });
    const remove = button("Remove", () => (this.measurements.remove(measurement), this.onchange(), this.show()), {
      class: "button small",
      "aria-label": `Remove ${measurement.name}`,
    });
    const head = element("div", { class: "entry-head" }, name, remove);
    if (value === null)
      return element(
        "div",
        { class: "entry" },
        head,
        element("p", { class: "quiet", text: this.#whyNothing(measurement) }),
      );
    const unit = unitOf(this.run.units) + (measurement.kind === "area" ? "²" : "");
    const numbers = sigmaText(value.sigma, unit, this.run.units);
    const said = element("p", {
      class: "value",
      title: numbers.join("\n"),
      text: withSigma(value.value, value.sigma.total, unit),
    });
    return element("div", { class: "entry" }, head, said, this.#more(measurement, value), why(numbers));
  }

  #whyNothing(measurement) {
    return this.measurements.isAcrossSegments(measurement)
      ? "Its points lie in several segments: nothing tells how these lie to each other, so there is no measure."
      : "A point of it has no pose now.";
  }

  #more(measurement, value) {
    const unit = unitOf(this.run.units);
    if (measurement.kind === "distance")
      return element("p", {
        class: "quiet",
        text: `${number(Math.abs(value.height))} ${unit} of it ${value.height < 0 ? "down" : "up"}`,
      });
    const crosses = value.crosses ? " Its sides cross each other: the area is not that of the outline." : "";
    return element("p", {
      class: "quiet",
      text: `${number(value.perimeter)} ${unit} around; corners lie ${number(value.residual)} ${unit} off their plane.${crosses}`,
    });
  }
}

/**
 * Each part of a sigma in words; relative units have no scale that could be wrong.
 * @param {import("../../tools/uncertainty.js").Sigma} sigma @param {string} unit @param {string} units
 */
export function sigmaText(sigma, unit, units) {
  const part = (name) => (sigma[name] === null ? "not known, not counted" : `${number(sigma[name], 2)} ${unit}`);
  const parts = PARTS.filter(([name]) => name !== "scale" || units === "metres");
  return parts.map(([name, words]) => `${words}: ${part(name)}`);
}

const why = (numbers) =>
  element(
    "details",
    {},
    element("summary", { text: "What the ± is made of" }),
    element("ul", { class: "plain" }, ...numbers.map((text) => element("li", { text }))),
  );
