/** The head of the page: what came out, in one line. */
import { button, chip, element } from "./dom.js";
import { count, lengthText, number } from "./words/format.js";
import { runTrust } from "./words/trust_words.js";

const STATES = {
  running: ["running", "live"],
  finished: ["finished", "good"],
  interrupted: ["interrupted", "doubtful"],
  failed: ["failed", "bad"],
};

/** Shows the run's name, state, trust and size, and holds the buttons that are always at hand. */
export class Header {
  /**
   * @param {import("./run_view.js").RunView} run
   * @param {[string, string, string, () => void][]} actions text, the same in short, key, deed
   */
  constructor(run, actions) {
    this.run = run;
    this.name = element("h1", { class: "name" });
    this.chips = element("div", { class: "chips" });
    this.facts = element("p", { class: "headline" });
    const buttons = actions.map((action) => actionButton(...action));
    this.root = element(
      "header",
      { class: "header" },
      element("div", { class: "titles" }, this.name, this.chips),
      this.facts,
      element("div", { class: "actions" }, ...buttons),
    );
    run.viewer.on("state", () => this.show());
    run.viewer.on("poses", () => this.show());
    this.show();
  }

  show() {
    const { state } = this.run;
    if (!state) return;
    const about = state.run;
    const [word, tone] = STATES[about.state] ?? [about.state, "unknown"];
    const trust = runTrust(about);
    this.name.textContent = about.name;
    this.name.title = about.name;
    this.chips.replaceChildren(chip(word, tone), chip(`trust: ${trust.word}`, trust.tone));
    this.facts.textContent = headline(about, this.run.pathLength()).join(" · ");
    document.title = `${about.name} – da3-stream`;
  }
}

function actionButton(text, short, key, deed) {
  const made = button("", deed, { title: `${text} (${key})`, "aria-label": text });
  made.append(element("span", { class: "long", text }), element("span", { class: "short", text: short }));
  return made;
}

/** What came out, in parts. @param {any} about `run` of /state @param {number} way in units of the world */
export function headline(about, way) {
  const total = about.frames_total;
  const placed = total === null || total === undefined ? "" : ` of ${count(total)}`;
  const parts = [`${count(about.frames_placed)}${placed} frames placed`];
  if (way > 0) parts.push(`${lengthText(way, about.units)} of path`);
  parts.push(about.units === "metres" ? "in metres" : "relative units");
  if (about.state === "running" && about.rate > 0) parts.push(`${number(about.rate, 2)} frames/s`);
  return parts;
}
