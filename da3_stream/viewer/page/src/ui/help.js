/** Keys and gestures, over the page. */
import { button, element } from "./dom.js";

const GESTURES = [
  ["drag", "turn about what you look at"],
  ["right or Shift drag, two fingers", "shift"],
  ["wheel, pinch", "come nearer to what is under the pointer"],
  ["double click, double tap", "turn about this point"],
  ["W A S D, Q E", "fly, down and up (click the scene first)"],
  ["click, tap", "select a camera; a point while you measure"],
  ["an open tab once more", "close its panel: the scene takes its room"],
];

/** A dialog that is closed by Esc, its button, or a click beside it. */
export class Help {
  /** @param {import("./keys.js").Shortcut[]} shortcuts */
  constructor(shortcuts) {
    const keys = shortcuts.filter(({ text }) => text).map(({ name, text }) => [name, text]);
    this.root = element(
      "dialog",
      { class: "help", "aria-labelledby": "help-title", onclick: (e) => e.target === this.root && this.root.close() },
      element(
        "div",
        { class: "stack" },
        element("h2", { id: "help-title", tabindex: -1, autofocus: true, text: "Keys and gestures" }),
        element("div", { class: "columns" }, table(GESTURES), table(keys)),
        button("Close", () => this.root.close()),
      ),
    );
  }

  open() {
    if (!this.root.open) this.root.showModal();
  }
}

const table = (rows) =>
  element(
    "dl",
    { class: "keys" },
    ...rows.flatMap(([name, text]) => [element("dt", { text: name }), element("dd", { text })]),
  );
