/** The panel of what is drawn and how. */
import { keyButton, choice, element, slider, tick } from "../dom.js";
import { ClipBox } from "./clip_box.js";
import { MODES, legendWords } from "./legend.js";
import { count, number } from "../words/format.js";
import { categoryColour, rampColour } from "../../scene/colours.js";

const STOPS = 12; // of a legend's gradient

const SHOWN = [
  ["points", "points"],
  ["path", "path of the camera"],
  ["frusta", "cameras"],
  ["loops", "loops"],
];

/** Colours, sizes, what is shown, the clip box, and from where one looks. */
export class ViewPanel {
  /**
   * @param {import("../run_view.js").RunView} run @param {import("../look.js").Look} look
   * @param {import("../memory.js").Memory} memory
   */
  constructor(run, look, memory) {
    this.run = run;
    const { viewer } = run;
    const settings = viewer.settings;
    this.colour = choice("Colour by", MODES, settings.colour, (colour) => viewer.set({ colour }));
    this.legend = element("div", { class: "legend" });
    this.size = slider(
      "Point size",
      { min: 0.25, max: 4, step: 0.25, value: settings.pointSize },
      (v) => `${number(v, 3)} ×`,
      (pointSize) => viewer.set({ pointSize }),
    );
    this.ticks = new Map(
      SHOWN.map(([key, text]) => [key, tick(text, settings.show[key], (on) => this.#show(key, on))]),
    );
    this.splats = tick("splats in the place of points", settings.splats, (splats) => viewer.set({ splats }));
    this.clip = new ClipBox(run);
    this.counters = element("p", { class: "quiet" });
    this.root = element(
      "div",
      { class: "stack" },
      this.colour.row,
      this.legend,
      this.size.row,
      element("fieldset", {}, element("legend", { text: "Show" }), ...[...this.ticks.values(), this.splats].map((t) => t.row)),
      this.clip.root,
      element(
        "fieldset",
        {},
        element("legend", { text: "Look" }),
        element("div", { class: "buttons" }, ...lookButtons(look)),
      ),
      daylight(memory),
      this.counters,
    );
    viewer.on("change", () => this.#showChange());
    viewer.on("state", () => this.show());
    viewer.on("tick", () => this.#count());
    this.show();
  }

  #show(key, on) {
    this.run.viewer.set({ show: { ...this.run.viewer.settings.show, [key]: on } });
  }

  /** Play changes the time many times a second, which is not shown here. */
  #showChange() {
    const { time: _, ...others } = this.run.viewer.settings;
    const said = JSON.stringify(others);
    if (said !== this.said) this.show();
    this.said = said;
  }

  show() {
    const { settings } = this.run.viewer;
    this.colour.select.value = settings.colour;
    this.size.set(settings.pointSize);
    for (const [key, { input }] of this.ticks) input.checked = settings.show[key];
    this.splats.input.checked = settings.splats;
    const { offered, problem } = this.run.viewer.splats;
    this.splats.row.hidden = offered === 0;
    this.splats.input.disabled = problem !== null;
    this.#showLegend(settings.colour);
    this.clip.show();
    this.#count();
  }

  /** At most twice a second: pictures come faster. */
  #count() {
    if (this.counting) return;
    this.counting = setTimeout(() => {
      this.counting = null;
      this.#showLegend(this.run.viewer.settings.colour); // its range is known once it is drawn
      this.counters.textContent = countersText(this.run.viewer);
    }, 500);
  }

  #showLegend(mode) {
    const words = legendWords(mode, { range: this.run.colourRange, units: this.run.units });
    this.legend.hidden = words === null;
    const said = JSON.stringify([mode, words]);
    if (words === null || said === this.legendSaid) return;
    this.legendSaid = said;
    const ramp = element("div", { class: "ramp", "aria-hidden": "true" });
    ramp.style.background = gradient(mode);
    this.legend.replaceChildren(
      ramp,
      element("div", { class: "ends" }, element("span", { text: words.low }), element("span", { text: words.high })),
      element("p", { class: "quiet", text: words.text }),
    );
  }
}

/** The colours that the points have, from low to high. */
function gradient(mode) {
  const share = (k) => k / (STOPS - 1);
  const colour = (k) => (mode === "submap" ? categoryColour(k) : rampColour(mode, share(k)));
  const stops = Array.from({ length: STOPS }, (_, k) => `rgb(${colour(k).join(" ")})`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

const lookButtons = (look) => [
  keyButton("Whole scene", "0", () => look.whole()),
  keyButton("From above", "1", () => look.fromAbove()),
  keyButton("From the side", "2", () => look.fromSide()),
];

function countersText({ counters: { points_drawn = 0, megabytes_drawn = 0 }, splats }) {
  if (splats.offered && splats.problem) return splats.problem;
  if (splats.isWanted && !splats.isDrawn) return "Splats come when they are here and the eye rests; until then points are drawn.";
  if (splats.isDrawn) return splatsText(splats);
  return `Drawn now: ${count(points_drawn)} points, ${number(megabytes_drawn, 2)} MB. More of them come as you come nearer.`;
}

function splatsText({ shown, offered }) {
  if (shown >= offered) return `Drawn now: all ${count(offered)} splats.`;
  const rest = "those of the cameras nearest to you, fewer of each and larger where there are too many.";
  return `Drawn now: ${count(shown)} of ${count(offered)} splats, ${rest}`;
}

function daylight(memory) {
  const show = (on) => (document.documentElement.dataset.theme = on ? "light" : "dark");
  const chosen = memory.get("light", document.documentElement.dataset.theme === "light");
  show(chosen);
  return tick("light colours, for daylight", chosen, (on) => (memory.set("light", on), show(on))).row;
}
