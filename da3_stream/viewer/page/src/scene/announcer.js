/** Tells listeners what happens, by the name of the event. */
export class Announcer {
  /** @param {string[]} names of all events there are */
  constructor(names) {
    this.listeners = Object.fromEntries(names.map((name) => [name, new Set()]));
  }

  /** Calls `listener` at an event; returns what ends that. @returns {() => void} */
  on(name, listener) {
    this.listeners[name].add(listener);
    return () => this.listeners[name].delete(listener);
  }

  emit(name, value) {
    for (const listener of this.listeners[name]) listener(value);
  }
}
