/** The view in the address of the page, so that it lives through a reload and can be sent to others. */

import { COLOURS, defaultSettings, PARTS } from "./settings.js";

const USUAL = defaultSettings();

const shortNumber = (value) => String(Number(value.toPrecision(12)));
const listOf = (values) => values.map(shortNumber).join(",");

/** So many finite numbers of a field, or null. */
function numbers(fields, name, count) {
  const values = (fields.get(name) || "none").split(",").map(Number);
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

/**
 * The view of an address: where the eye stands, null where it does not tell, and the settings that it tells.
 * @returns {{standpoint: {eye: number[], at: number[]}|null, settings: object}}
 */
export function readView(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [eye, at, clip] = [numbers(fields, "eye", 3), numbers(fields, "at", 3), numbers(fields, "clip", 6)];
  const settings = {};
  if (COLOURS.includes(fields.get("colour"))) settings.colour = fields.get("colour");
  const size = Number(fields.get("size"));
  if (size > 0 && size <= 20) settings.pointSize = size;
  if (clip) settings.clip = { min: clip.slice(0, 3), max: clip.slice(3) };
  if (fields.get("splats") === "1") settings.splats = true;
  const hidden = (fields.get("hide") ?? "").split(",").filter((part) => PARTS.includes(part));
  if (hidden.length) settings.show = Object.fromEntries(hidden.map((part) => [part, false]));
  return { standpoint: eye && at && { eye, at }, settings };
}

/** @returns {string} what stands behind the # of an address: what is not as usual; "" where all is */
export function writeView({ standpoint, settings }) {
  const { colour, pointSize, clip, splats, show } = settings;
  const hidden = PARTS.filter((part) => !show[part]);
  return [
    ...(standpoint ? [`eye=${listOf(standpoint.eye)}`, `at=${listOf(standpoint.at)}`] : []),
    ...(colour !== USUAL.colour ? [`colour=${colour}`] : []),
    ...(pointSize !== USUAL.pointSize ? [`size=${shortNumber(pointSize)}`] : []),
    ...(clip ? [`clip=${listOf([...clip.min, ...clip.max])}`] : []),
    ...(splats ? ["splats=1"] : []),
    ...(hidden.length ? [`hide=${hidden.join(",")}`] : []),
  ].join("&");
}

/** Puts a view into the address when it has rested for a while; never a new entry of the history. */
export class KeptView {
  constructor() {
    this.timer = 0;
  }

  read() {
    return readView(location.hash);
  }

  keep(view) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      try {
        const said = writeView(view());
        if (said !== location.hash.replace(/^#/, "")) history.replaceState(null, "", said ? `#${said}` : location.pathname + location.search);
      } catch {
        // a browser may forbid it (too often, or a file that was opened in a frame): the view is then not kept
      }
    }, 400);
  }
}
