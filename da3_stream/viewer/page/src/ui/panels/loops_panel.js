/** The panel of loops: places that were seen again, and why others were refused. */
import { button, element } from "../dom.js";
import { clock, counted } from "../words/format.js";

const FIRST = 40; // refused loops that are listed at first: there may be thousands

/** Accepted loops first, then refusals, each with the pictures of both frames where the run keeps them. */
export class LoopsPanel {
  /** @param {import("../run_view.js").RunView} run @param {(row: number) => void} goTo */
  constructor(run, goTo) {
    this.run = run;
    this.goTo = goTo;
    this.listed = FIRST;
    this.root = element("div", { class: "stack" });
    run.viewer.on("state", () => this.show());
    run.viewer.on("frames", () => this.show());
    this.show();
  }

  show() {
    const loops = (this.run.state?.loops ?? []).map((loop, number) => ({ ...loop, number }));
    const said = JSON.stringify([
      loops.length,
      this.listed,
      this.run.count > 0,
      loops.filter((loop) => loop.accepted).length,
    ]);
    if (said === this.said) return;
    this.said = said;
    const [accepted, refused] = [loops.filter((loop) => loop.accepted), loops.filter((loop) => !loop.accepted)];
    this.root.replaceChildren(
      element("p", { class: "lead", text: loopWords(accepted.length, refused.length) }),
      ...this.#group("Accepted", accepted, accepted.length),
      ...this.#group("Refused", refused, this.listed),
    );
  }

  #group(title, loops, most) {
    if (!loops.length) return [];
    const entries = loops.slice(0, most).map((loop) => element("li", {}, this.#entry(loop)));
    const more =
      loops.length > most ? [button(`${loops.length - most} more`, () => this.#more(), { class: "button wide" })] : [];
    return [element("h2", { text: title }), element("ul", { class: "list" }, ...entries), ...more];
  }

  #more() {
    this.listed += 5 * FIRST;
    this.show();
  }

  #entry(loop) {
    const rows = [loop.a, loop.b];
    const times = rows.map((row) => clock(this.run.timeOf(row), 1));
    const details = element("details", { class: "entry", "data-tone": loop.accepted ? "good" : "plain" });
    const summary = element(
      "summary",
      {},
      element("strong", { text: times.join(" ↔ ") }),
      element("span", { text: reasonWords(loop) }),
    );
    details.append(summary);
    details.addEventListener(
      "toggle",
      () => details.open && details.childElementCount === 1 && details.append(this.#inside(loop, rows, times)),
    );
    return details;
  }

  #inside(loop, rows, times) {
    const pictures = ["a", "b"].map((side, i) => this.#picture(loop, side, rows[i], times[i]));
    return element("div", { class: "pair" }, ...pictures);
  }

  #picture(loop, side, row, time) {
    const caption = button(`Go to ${time}`, () => this.goTo(row));
    const { source } = this.run;
    const address = (loop.images ? source.loopUrl(loop.number, side) : null) ?? source.imageUrl(row, 320);
    const picture =
      address === null
        ? null
        : element("img", { src: address, alt: `Picture of the loop at ${time}`, loading: "lazy" });
    return element("figure", {}, picture, element("figcaption", {}, caption));
  }
}

/** @param {number} accepted @param {number} refused */
export function loopWords(accepted, refused) {
  if (!accepted && !refused) return "No place was recognised again.";
  return `${counted(accepted, "loop")} accepted, ${refused} refused.`;
}

const reasonWords = (loop) => loop.reason || (loop.accepted ? "the same place, seen again" : "refused");
