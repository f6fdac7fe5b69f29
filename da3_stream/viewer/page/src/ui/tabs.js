/** Panels one at a time, with their tabs: beside the picture, or as a sheet that is drawn up from below. */
import { element } from "./dom.js";

/** Tabs as the ARIA practices have them: arrow keys move between them, Home and End to the first and last. */
export class Tabs {
  /**
   * @param {{id: string, title: string, root: HTMLElement}[]} panels
   * @param {import("./memory.js").Memory} memory
   */
  constructor(panels, memory) {
    this.panels = panels;
    this.memory = memory;
    this.tabs = panels.map((panel) => this.#tab(panel));
    this.list = element(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Panels", onkeydown: (e) => this.#move(e) },
      ...this.tabs,
    );
    const pages = panels.map(({ id, root }) =>
      element(
        "section",
        { class: "page", role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, tabindex: 0 },
        root,
      ),
    );
    this.pages = pages;
    this.root = element(
      "aside",
      { class: "panel", "aria-label": "Tools" },
      this.list,
      element("div", { class: "pages" }, ...pages),
    );
    this.open(memory.get("tab", panels[0].id), memory.get("drawn", !isNarrow()));
  }

  #tab({ id, title }) {
    return element("button", {
      type: "button",
      class: "tab",
      role: "tab",
      id: `tab-${id}`,
      "aria-controls": `panel-${id}`,
      text: title,
      onclick: () => this.open(id, !(this.isDrawn && this.current === id)),
    });
  }

  #move(event) {
    const last = this.tabs.length - 1;
    const at = this.tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (to + this.tabs.length) % this.tabs.length;
    this.tabs[next].focus();
    this.open(this.panels[next].id, true);
  }

  /** Show a panel; not drawn, only its tabs are seen. @param {string} id @param {boolean} [drawn] */
  open(id, drawn = true) {
    const known = this.panels.some((panel) => panel.id === id) ? id : this.panels[0].id;
    [this.current, this.isDrawn] = [known, drawn];
    this.panels.forEach((panel, i) => {
      const chosen = panel.id === known;
      this.tabs[i].setAttribute("aria-selected", String(chosen));
      this.tabs[i].tabIndex = chosen ? 0 : -1;
      this.pages[i].hidden = !chosen;
      if (chosen) panel.onopen?.();
    });
    this.root.dataset.drawn = String(drawn);
    this.tabs[this.panels.findIndex((panel) => panel.id === known)].scrollIntoView?.({
      block: "nearest",
      inline: "nearest",
    });
    this.memory.set("tab", known);
    this.memory.set("drawn", drawn);
  }
}

/** Whether panels are a sheet from below, as in page.css. */
export const isNarrow = () => matchMedia("(max-width: 760px)").matches;
