/** What the user made and chose, kept over a reload of the tab. */

/** Values by name, as JSON in sessionStorage under a name of the run's own; only in memory where that is closed. */
export class Memory {
  /** @param {string} run name of the run */
  constructor(run) {
    this.prefix = `da3_stream/${run}/`;
    this.values = new Map();
  }

  /** @param {string} name @param {any} otherwise what it is before anything was kept */
  get(name, otherwise) {
    if (this.values.has(name)) return this.values.get(name);
    try {
      const text = sessionStorage.getItem(this.prefix + name);
      return text === null ? otherwise : JSON.parse(text);
    } catch {
      return otherwise; // closed for pages from disk, or a text that another version left
    }
  }

  /** @param {string} name @param {any} value what JSON can say */
  set(name, value) {
    this.values.set(name, value);
    try {
      sessionStorage.setItem(this.prefix + name, JSON.stringify(value));
    } catch {
      return; // the view goes on without it
    }
  }
}
