/** The view in the address of the page, so that it lives through a reload and can be sent to others. */

const NUMBERS = ["eye", "at"];

const shortNumber = (value) => String(Number(value.toPrecision(12)));

/** @returns {{eye: number[], at: number[], colour?: string, size?: number}|null} the view of an address */
export function readView(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const view = {};
  for (const name of NUMBERS) {
    const values = (fields.get(name) ?? "").split(",").map(Number);
    if (values.length !== 3 || !values.every(Number.isFinite) || !fields.get(name)) return null;
    view[name] = values;
  }
  if (fields.has("colour")) view.colour = fields.get("colour");
  if (Number(fields.get("size")) > 0) view.size = Number(fields.get("size"));
  return view;
}

/** @returns {string} what stands behind the # of an address */
export function writeView({ eye, at, colour, size }) {
  const list = (values) => values.map(shortNumber).join(",");
  return `eye=${list(eye)}&at=${list(at)}&colour=${colour}&size=${shortNumber(size)}`;
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
        history.replaceState(null, "", `#${writeView(view())}`);
      } catch {
        // a browser may forbid it (too often, or a file that was opened in a frame): the view is then not kept
      }
    }, 400);
  }
}
