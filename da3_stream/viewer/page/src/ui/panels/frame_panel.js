/** The panel of one frame: its picture, depth and confidence, and what is known of it. */
import { keyButton, chip, choice, element, facts } from "../dom.js";
import { clock, lengthText, number, percent } from "../words/format.js";
import { Picture } from "./picture.js";
import { BELIEVED, STATUS_WORDS, poseTrust } from "../words/trust_words.js";

const KINDS = [
  ["image", "picture"],
  ["depth", "depth"],
  ["confidence", "confidence of depth"],
  ["mask", "what goes with the camera"],
];
/** What the colours of a kind mean. */
const NOTES = {
  image: "",
  depth: "Red is near, blue is far, black has no depth.",
  confidence: "Yellow is sure, dark blue is not, black has no depth.",
  mask: "Red goes with the camera and was left out: the run's last mask, over a picture of that time.",
};
const IN_A_FILE = "This file holds pictures of some frames only, and no depth.";
const NONE = {
  image: "The run keeps no picture of this frame.",
  depth: "This frame has no depth.",
  confidence: "This frame has no depth, so no confidence of it.",
  mask: "Nothing that goes with the camera was found in this run.",
};

/** Shows the selected frame; details come from the source a moment later. */
export class FramePanel {
  /** @param {import("../run_view.js").RunView} run @param {import("../memory.js").Memory} memory */
  constructor(run, memory) {
    this.run = run;
    this.memory = memory;
    this.kind = choice(
      "Show",
      KINDS,
      memory.get("picture", "image"),
      (kind) => (memory.set("picture", kind), this.#picture()),
    );
    this.picture = new Picture();
    this.note = element("p", { class: "quiet" });
    this.title = element("h2", { text: "No frame is selected" });
    this.about = element("div", { class: "stack" });
    this.empty = element("p", {
      class: "quiet",
      text: "Click or tap a camera in the scene, or step with the keys [ and ].",
    });
    this.buttons = element(
      "div",
      { class: "buttons" },
      keyButton("Previous", "[", () => this.step(-1)),
      keyButton("Next", "]", () => this.step(1)),
      keyButton("Look through this camera", "L", () => this.row !== null && run.viewer.lookThrough(this.row)),
    );
    this.inside = element(
      "div",
      { class: "stack", hidden: true },
      this.kind.row,
      this.picture.root,
      this.note,
      this.buttons,
      this.about,
    );
    this.root = element("div", { class: "stack" }, this.title, this.empty, this.inside);
    this.row = null;
  }

  /** The frame one before or after; the first one where none is selected. @param {number} by */
  step(by) {
    const next = this.row === null ? 0 : this.row + by;
    if (next >= 0 && next < this.run.count) this.run.viewer.select(next);
  }

  /** @param {number|null} row */
  async show(row) {
    const changed = row !== this.row;
    this.row = row;
    this.inside.hidden = row === null;
    this.empty.hidden = row !== null;
    this.title.textContent = row === null ? "No frame is selected" : `Frame at ${clock(this.run.timeOf(row), 1)}`;
    if (row === null) return;
    if (changed) this.picture.whole();
    this.#picture();
    this.#details(row, null);
    const details = await this.run.source.frame(row).catch(() => ({}));
    if (row === this.row) this.#details(row, details);
  }

  #picture() {
    if (this.row === null) return;
    const kind = this.kind.select.value;
    const { source } = this.run;
    const address = {
      image: () => source.imageUrl(this.row),
      depth: () => source.depthUrl(this.row),
      confidence: () => source.confidenceUrl(this.row),
      mask: () => (this.run.state?.has_static_mask ? source.maskUrl() : null),
    }[kind]();
    const none = source.isEmbedded ? IN_A_FILE : NONE[kind];
    this.note.textContent = address === null ? "" : NOTES[kind];
    this.note.hidden = this.note.textContent === "";
    this.picture.show(address, `${kind} of the frame at ${clock(this.run.timeOf(this.row), 1)}`, none);
  }

  /** @param {number} row @param {any} details null while they are on their way */
  #details(row, details) {
    const { units } = this.run;
    const confidence = this.run.table.confidence[row];
    const trust = poseTrust(confidence);
    const status = details?.status ?? this.run.statusOf(row);
    const pairs = [
      ["time", clock(this.run.timeOf(row), 1)],
      ["frame", `${this.run.table.sourceIndex[row]} of the input`],
      ["status", STATUS_WORDS[status] ?? status],
      ["trust", chip(Number.isFinite(confidence) ? `${trust.word}, ${percent(confidence)}` : trust.word, trust.tone)],
    ];
    if (details?.file) pairs.splice(1, 0, ["file", details.file]);
    if (details?.depth) pairs.push(["depth", depthWords(details.depth, units)]);
    pairs.push(["submap", String(this.run.table.submap[row])]);
    this.about.replaceChildren(facts(pairs), ...reasons(details?.doubts, confidence));
  }
}

const depthWords = ({ p5, median, p95 }, units) =>
  `${lengthText(p5, units)} to ${lengthText(p95, units)}, half of it nearer than ${lengthText(median, units)}`;

/** What speaks against a pose, in words. @param {{text: string, value: number}[]|undefined} doubts */
function reasons(doubts, confidence) {
  if (doubts === undefined) return [];
  const none =
    confidence < BELIEVED
      ? "It shares the doubt of the ten frames before and after."
      : "Nothing speaks against this pose.";
  if (!doubts.length) return [element("p", { class: "quiet", text: none })];
  return [
    element("h3", { text: "What speaks against this pose, most first" }),
    list(doubts.map(({ text, value }) => `${text}: ${number(value, 2)}`)),
  ];
}

const list = (texts) => element("ul", { class: "plain" }, ...texts.map((text) => element("li", { text })));
