/** Trust along time, and a slider that plays the drive. */
import { button, choice, element } from "./dom.js";
import { clock } from "./words/format.js";
import { nearestRow, playedTo, shownWindow, trustStrip } from "./words/time_line.js";
import { rampColour } from "../scene/colours.js";

const SPEEDS = [
  ["0.5", "½ ×"],
  ["1", "1 ×"],
  ["2", "2 ×"],
  ["4", "4 ×"],
  ["8", "8 ×"],
  ["30", "30 ×"],
];
const WINDOWS = [
  ["Infinity", "until now"],
  ["2", "last 2 s"],
  ["10", "last 10 s"],
  ["60", "last minute"],
];
const STEPS = 10_000; // of the slider

/** The line at the foot of the page; `onmove(row)` is told which frame it stands at when the user or play moves it. */
export class Timeline {
  /** @param {import("./run_view.js").RunView} run @param {import("./memory.js").Memory} memory @param {(row: number, playing: boolean) => void} onmove */
  constructor(run, memory, onmove) {
    [this.run, this.memory, this.onmove] = [run, memory, onmove];
    this.time = memory.get("time", null); // null: at the end
    this.playing = false;
    this.strip = element("canvas", {
      class: "strip",
      height: 18,
      role: "img",
      "aria-label": "Trust along time",
      title: "Trust along time: blue is believed, red doubted; ticks are loops",
    });
    this.input = element("input", {
      type: "range",
      min: 0,
      max: STEPS,
      step: 1,
      "aria-label": "Time",
      oninput: () => this.#slid(),
    });
    this.label = element("output", { class: "now" });
    this.play = button("▶", () => this.toggle(), {
      class: "button play",
      "aria-label": "Play the drive",
      title: "Play or pause (space)",
    });
    this.speed = choice("Speed", SPEEDS, memory.get("speed", "4"), (value) => memory.set("speed", value));
    this.window = choice(
      "Show",
      WINDOWS,
      memory.get("window", "Infinity"),
      (value) => (memory.set("window", value), this.#apply()),
    );
    this.follow = button("Follow", () => this.setFollow(!run.viewer.settings.follow), {
      title: "Ride along with the camera (F)",
    });
    this.root = element(
      "section",
      { class: "timeline", "aria-label": "Time" },
      this.play,
      element("div", { class: "track" }, this.strip, this.input),
      this.label,
      element("div", { class: "options" }, this.speed.row, this.window.row, this.follow),
    );
    for (const event of ["frames", "poses", "state"]) run.viewer.on(event, () => this.show());
    run.viewer.on("change", () => this.#showFollow());
    new ResizeObserver(() => this.#draw()).observe(this.strip);
    this.show();
    if (this.time !== null) this.#apply();
  }

  get now() {
    return this.time ?? this.run.span()[1];
  }

  /** @param {boolean} follow */
  setFollow(follow) {
    this.run.viewer.set({ follow });
  }

  #showFollow() {
    this.follow.setAttribute("aria-pressed", String(this.run.viewer.settings.follow));
  }

  toggle() {
    this.playing = !this.playing && this.run.count > 1;
    this.play.textContent = this.playing ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", this.playing ? "Pause" : "Play the drive");
    if (!this.playing) return;
    const [from, to] = this.run.span();
    if (this.now >= to) this.moveTo(from);
    this.before = performance.now();
    requestAnimationFrame((at) => this.#tick(at));
  }

  #tick(at) {
    if (!this.playing) return;
    const elapsed = Math.min(0.25, Math.max(0, (at - this.before) / 1000)); // a tab that was hidden goes on where it was
    this.before = at;
    const { time, ended } = playedTo(this.now, elapsed, Number(this.speed.select.value), this.run.span()[1]);
    this.moveTo(time);
    if (ended) this.toggle();
    else requestAnimationFrame((next) => this.#tick(next));
  }

  #slid() {
    const [from, to] = this.run.span();
    this.moveTo(from + ((to - from) * Number(this.input.value)) / STEPS);
  }

  /** Stand at a time: what is shown and who is told follow. @param {number} time */
  moveTo(time) {
    const [from, to] = this.run.span();
    this.time = Math.min(to, Math.max(from, time));
    this.memory.set("time", this.time >= to ? null : this.time);
    this.#apply();
    if (this.run.count) this.onmove(nearestRow(this.run.times, this.time), this.playing);
  }

  toEnd() {
    this.time = null;
    this.memory.set("time", null);
    this.#apply();
  }

  #apply() {
    this.run.viewer.set({ time: shownWindow(this.now, Number(this.window.select.value), this.run.span()) });
    this.#label();
  }

  show() {
    this.root.hidden = this.run.count < 2;
    this.#showFollow();
    this.#label();
    this.#draw();
  }

  #label() {
    const [from, to] = this.run.span();
    const share = to > from ? (this.now - from) / (to - from) : 1;
    this.input.value = String(Math.round(share * STEPS));
    this.label.textContent = `${clock(this.now, 1)} / ${clock(to, 1)}`;
    this.input.setAttribute("aria-valuetext", `${clock(this.now, 1)} of ${clock(to)}`);
  }

  #draw() {
    const width = Math.round(this.strip.clientWidth * devicePixelRatio);
    if (!width || this.run.count < 2) return;
    [this.strip.width, this.strip.height] = [width, Math.round(18 * devicePixelRatio)];
    const context = this.strip.getContext("2d");
    const cells = Math.min(width, 600);
    const strip = trustStrip(this.run.times, this.run.confidences, this.run.span(), cells);
    strip.forEach((trust, cell) => {
      context.fillStyle = Number.isNaN(trust) ? "#555" : `rgb(${rampColour("trust", trust).join(" ")})`;
      context.fillRect((cell * width) / cells, 0, Math.ceil(width / cells) + 1, this.strip.height * 0.55);
    });
    this.#drawLoops(context, width);
  }

  /** A tick under the strip at both ends of each accepted loop. */
  #drawLoops(context, width) {
    const [from, to] = this.run.span();
    context.fillStyle = "#7fd1ff";
    for (const loop of this.run.state?.loops ?? []) {
      for (const row of loop.accepted ? [loop.a, loop.b] : []) {
        const share = (this.run.timeOf(row) - from) / (to - from);
        context.fillRect(
          share * width - devicePixelRatio,
          this.strip.height * 0.6,
          2 * devicePixelRatio,
          this.strip.height * 0.4,
        );
      }
    }
  }
}
