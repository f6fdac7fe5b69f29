/** The panel of what a run says of itself: trust, and advice that leads to its frames. */
import { element } from "../dom.js";
import { span } from "../words/format.js";
import { runTrust } from "../words/trust_words.js";

/** Each advice in words; a press shows its frames. */
export class AdvicePanel {
  /** @param {import("../run_view.js").RunView} run @param {(row: {from_s: number, to_s: number, frames: number[]}) => void} show */
  constructor(run, show) {
    this.run = run;
    this.goTo = show;
    this.root = element("div", { class: "stack" });
    run.viewer.on("state", () => this.show());
    this.show();
  }

  show() {
    const about = this.run.state?.run;
    const said = JSON.stringify([about?.trust, about?.advice, about?.state]);
    if (!about || said === this.said) return; // a list that is read is not built anew under the finger
    this.said = said;
    const trust = runTrust(about);
    const words = (about.trust?.text ?? []).slice(0, 1);
    this.root.replaceChildren(
      element("p", { class: "lead", "data-tone": trust.tone, text: words[0] ?? notYet(about.state) }),
      ...this.#list(
        "The map is not to be trusted here",
        about.advice.filter((row) => row.distrusted),
      ),
      ...this.#list(
        "Worth knowing",
        about.advice.filter((row) => !row.distrusted),
      ),
    );
    if (!about.advice.length) this.root.append(element("p", { class: "quiet", text: "There is no advice." }));
  }

  #list(title, rows) {
    if (!rows.length) return [];
    const entries = rows.map((row) => element("li", {}, this.#entry(row)));
    return [element("h2", { text: title }), element("ul", { class: "list" }, ...entries)];
  }

  #entry(row) {
    const when = row.code.startsWith("input_") ? "input" : span(row.from_s, row.to_s);
    const parts = [element("strong", { text: when }), element("span", { text: row.text })];
    const tone = row.distrusted ? "bad" : "plain";
    if (row.frames === null || when === "input") return element("div", { class: "entry", "data-tone": tone }, ...parts);
    return element(
      "button",
      {
        type: "button",
        class: "entry",
        "data-tone": tone,
        "data-code": row.code,
        title: "Show these frames",
        onclick: () => this.goTo(row),
      },
      ...parts,
    );
  }
}

const notYet = (state) => (state === "running" ? "Trust is judged when the run ends." : "This run was not judged.");
