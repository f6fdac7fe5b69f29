/** One sentence at a time on what a tool wants or could not do, and on what is empty. */
import { element } from "./dom.js";

const HELD_MS = 6000;

/** A line that is read out, and passes. */
export class Notices {
  constructor() {
    this.line = element("p", { class: "notice", hidden: true });
    this.root = element("div", { class: "notices", role: "status", "aria-live": "polite" }, this.line);
  }

  /** @param {string} text */
  say(text) {
    this.line.textContent = text;
    this.line.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.line.hidden = true), HELD_MS);
  }
}

/**
 * Why there is nothing to see, in one or two sentences; null where there is something.
 * @param {any} state the answer of /state, null before the first
 */
export function emptyWords(state) {
  if (!state) return "Loading the run …";
  const { run, submaps } = state;
  if (submaps.some((submap) => submap.points > 0)) return null;
  if (run.state === "running") return "No points yet: the run has begun, and the first window comes when it is placed.";
  const why = run.advice?.find((row) => row.code === "unplaced")?.text ?? run.advice?.[0]?.text ?? "";
  if (run.frames_placed > 0) return `${run.frames_placed} frames have a pose, but there are no points. ${why}`.trim();
  return `Nothing was placed. ${why}`.trim();
}
