/** A picture that can be enlarged, moved and marked. */
import { element } from "../dom.js";

const MOST = 12; // times
const STEP = 1.25; // of a wheel's click or a key
const TAP_PX = 5; // what moves less is a click

/**
 * Wheel, pinch and the keys + and - enlarge, dragging and arrow keys move, a click or Enter marks. Places are shares of
 * width and height, so that they fit any size of the same picture.
 */
export class Picture {
  /** @param {(place: {x: number, y: number}) => void} [onmark] */
  constructor(onmark) {
    this.onmark = onmark;
    this.image = element("img", { class: "photo", alt: "", draggable: "false" });
    this.marks = element("div", { class: "spots" });
    this.sheet = element("div", { class: "sheet" }, this.image, this.marks);
    this.empty = element("p", { class: "quiet", hidden: true });
    this.root = element(
      "div",
      {
        class: "picture",
        tabindex: 0,
        role: "application",
        "aria-roledescription": "picture",
        onwheel: (e) => this.#wheel(e),
        onpointerdown: (e) => this.#down(e),
        onpointermove: (e) => this.#move(e),
        onpointerup: (e) => this.#up(e),
        onpointercancel: (e) => this.pointers.delete(e.pointerId),
        onkeydown: (e) => this.#key(e),
      },
      this.sheet,
      this.empty,
    );
    this.pointers = new Map();
    this.image.addEventListener("error", () => this.#fail());
    this.image.addEventListener("load", () => (this.empty.hidden = true));
    this.whole();
  }

  /** @param {string|null} address @param {string} words what it shows @param {string} none why there is none */
  show(address, words, none = "The picture could not be loaded.") {
    this.none = none;
    this.image.alt = words;
    this.root.setAttribute("aria-label", this.onmark ? `${words}; press Enter to mark the middle` : words);
    this.image.hidden = address === null;
    this.empty.hidden = address !== null;
    this.empty.textContent = none;
    if (address !== null && this.image.getAttribute("src") !== address) this.image.src = address;
  }

  #fail() {
    this.image.hidden = true;
    this.empty.textContent = this.none;
    this.empty.hidden = false;
  }

  whole() {
    [this.zoom, this.x, this.y] = [1, 0, 0];
    this.#place();
  }

  /** Spots on the picture. @param {{x: number, y: number, text: string, kind: string}[]} spots places as shares */
  spots(spots) {
    this.marks.replaceChildren(
      ...spots.map(({ x, y, text, kind }) => {
        const spot = element("span", { class: "spot", "data-kind": kind, title: text });
        [spot.style.left, spot.style.top] = [`${100 * x}%`, `${100 * y}%`];
        return spot;
      }),
    );
  }

  #place() {
    const room = this.root.getBoundingClientRect();
    this.x = Math.min(0, Math.max(this.x, room.width * (1 - this.zoom)));
    this.y = Math.min(0, Math.max(this.y, room.height * (1 - this.zoom)));
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    this.sheet.style.setProperty("--zoom", String(this.zoom));
  }

  #zoomAt(factor, clientX, clientY) {
    const room = this.root.getBoundingClientRect();
    const zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
    const [px, py] = [clientX - room.left, clientY - room.top];
    this.x = px - ((px - this.x) * zoom) / this.zoom;
    this.y = py - ((py - this.y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.#place();
  }

  #wheel(event) {
    event.preventDefault();
    this.#zoomAt(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX, event.clientY);
  }

  #down(event) {
    this.root.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 1) this.moved = 0;
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
      this.#zoomAt(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
      this.moved += TAP_PX + 1;
    } else {
      this.moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
      if (this.moved > TAP_PX) [this.x, this.y] = [this.x + now.x - before.x, this.y + now.y - before.y];
      this.#place();
    }
    this.pointers.set(event.pointerId, now);
  }

  #up(event) {
    const was = this.pointers.delete(event.pointerId);
    if (was && this.pointers.size === 0 && this.moved <= TAP_PX) this.#mark(event.clientX, event.clientY);
  }

  #key(event) {
    const room = this.root.getBoundingClientRect();
    const [x, y] = [room.left + room.width / 2, room.top + room.height / 2];
    const move = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (event.key === "+" || event.key === "=") this.#zoomAt(STEP, x, y);
    else if (event.key === "-") this.#zoomAt(1 / STEP, x, y);
    else if (event.key === "Enter") this.#mark(x, y);
    else if (move && this.zoom > 1) [this.x, this.y] = [this.x + move[0], this.y + move[1]];
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#place();
  }

  #mark(clientX, clientY) {
    const box = this.image.getBoundingClientRect();
    const place = { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
    if (!this.image.hidden && place.x >= 0 && place.x < 1 && place.y >= 0 && place.y < 1) this.onmark?.(place);
  }
}
