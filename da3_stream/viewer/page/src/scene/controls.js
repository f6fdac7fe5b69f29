/** Mouse, touch and keys move the eye: turn about the target, shift, come nearer, fly. */
import { aboutAxis, add, cross, dot, normalized, rotate, scaled, subtract } from "../tables/float64.js";

const TURN = 0.005; // radians a pixel
const WHEEL = 0.0012; // of the logarithm of the distance, a pixel of the wheel
const SAME_MOVEMENT_MS = 400;
const SAME_PLACE_PIXELS = 12;
const LEAST_ANGLE = 0.02; // between the view and up
const FLY_KEYS = { w: [0, 0, 1], s: [0, 0, -1], a: [-1, 0, 0], d: [1, 0, 0], q: [0, -1, 0], e: [0, 1, 0] };
const TAP_MS = 350;
const TAP_PIXELS = 30;
const NO_TAP = { time: -Infinity, place: [0, 0] };
const FLY_SPEED = 0.8; // distances to the target a second

export class Controls {
  /**
   * @param {HTMLElement} element @param {import("./eye.js").Eye} eye
   * @param {{moved: () => void, clicked: (x: number, y: number, event: PointerEvent) => void,
   *   doubled: (x: number, y: number) => void, anchor: (x: number, y: number) => number[]|null}} events
   */
  constructor(element, eye, events) {
    this.element = element;
    this.eye = eye;
    this.events = events;
    this.pointers = new Map();
    this.keys = new Set();
    this.lastTap = NO_TAP;
    this.last = null; // the last anchor
    const listen = (name, f, options) => element.addEventListener(name, f.bind(this), options);
    listen("pointerdown", this.#down);
    listen("pointermove", this.#move);
    listen("pointerup", this.#up);
    listen("pointercancel", this.#cancel);
    listen("wheel", this.#wheel, { passive: false });
    listen("touchend", (event) => event.preventDefault()); // else a click follows, on whatever the tap brought up there
    listen("dblclick", (event) => this.events.doubled(...this.#place(event)));
    listen("contextmenu", (event) => event.preventDefault());
    listen("keydown", this.#keyDown);
    listen("keyup", (event) => this.keys.delete(event.key.toLowerCase()));
    listen("blur", () => this.keys.clear());
  }

  #place(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #down(event) {
    this.element.setPointerCapture(event.pointerId);
    this.element.focus({ preventScroll: true });
    const [x, y] = this.#place(event);
    this.pointers.set(event.pointerId, { x, y });
    this.anchor = null;
    this.travelled = this.pointers.size > 1 ? Infinity : 0;
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [x, y] = this.#place(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.travelled += Math.hypot(x - before.x, y - before.y);
    if (this.travelled > 3) {
      if (others.length) this.#pinch(before, { x, y }, others[0]);
      else if (event.buttons & 6 || event.shiftKey || event.ctrlKey) this.shift(x - before.x, y - before.y);
      else this.turn(x - before.x, y - before.y);
      this.events.moved();
    }
    this.pointers.set(event.pointerId, { x, y });
  }

  #up(event) {
    const isClick = this.pointers.has(event.pointerId) && this.travelled <= 3;
    this.#cancel(event);
    if (!isClick) return;
    this.events.clicked(...this.#place(event), event);
    if (event.pointerType === "touch") this.#tapped(event);
  }

  /** Two taps at one place are a double click. */
  #tapped(event) {
    const [x, y] = this.#place(event);
    const { time, place } = this.lastTap;
    const isSecond = event.timeStamp - time < TAP_MS && Math.hypot(x - place[0], y - place[1]) < TAP_PIXELS;
    this.lastTap = isSecond ? NO_TAP : { time: event.timeStamp, place: [x, y] };
    if (isSecond) this.events.doubled(x, y);
  }

  #cancel(event) {
    this.pointers.delete(event.pointerId);
  }

  /** Two fingers: their middle shifts, their distance brings nearer, both about what lies between them. */
  #pinch(before, now, other) {
    const middle = (a) => [(a.x + other.x) / 2, (a.y + other.y) / 2];
    const apart = (a) => Math.max(10, Math.hypot(a.x - other.x, a.y - other.y));
    const [x0, y0] = middle(before);
    const [x1, y1] = middle(now);
    this.shift(x1 - x0, y1 - y0);
    this.approach(apart(before) / apart(now), x1, y1);
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * [1, 33, 400][event.deltaMode];
    this.approach(Math.exp(Math.max(-200, Math.min(200, pixels)) * WHEEL), ...this.#place(event));
    this.events.moved();
  }

  #keyDown(event) {
    const key = event.key.toLowerCase();
    if (!(key in FLY_KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    this.keys.add(key);
    this.events.moved();
  }

  /** Moves by the keys that are held. @param {number} seconds since the last picture @returns {boolean} */
  fly(seconds) {
    if (!this.keys.size) return false;
    const { eye } = this;
    const axes = [rotate(eye.orientation, [1, 0, 0]), eye.up, eye.forward];
    const step = eye.distance * FLY_SPEED * Math.min(0.1, seconds);
    for (const key of this.keys) {
      FLY_KEYS[key].forEach((sign, k) => this.#carry(scaled(axes[k], sign * step)));
    }
    return true;
  }

  #carry(way) {
    this.eye.position = add(this.eye.position, way);
    this.eye.target = add(this.eye.target, way);
  }

  /** Turns about the target by a way on the screen, pixels; the horizon stays level. */
  turn(dx, dy) {
    const { eye } = this;
    const aside = rotate(aboutAxis(eye.up, -dx * TURN), subtract(eye.position, eye.target));
    const angle = Math.acos(Math.max(-1, Math.min(1, dot(normalized(aside), eye.up))));
    const wanted = Math.max(LEAST_ANGLE, Math.min(Math.PI - LEAST_ANGLE, angle - dy * TURN));
    const axis = normalized(cross(eye.up, aside), rotate(eye.orientation, [1, 0, 0]));
    eye.look(add(eye.target, rotate(aboutAxis(axis, wanted - angle), aside)), eye.target);
  }

  /** Shifts eye and target so that the target stays under the pointer, pixels. */
  shift(dx, dy) {
    const { eye } = this;
    const pixel = eye.distance / eye.focal;
    const right = rotate(eye.orientation, [1, 0, 0]);
    const up = rotate(eye.orientation, [0, 1, 0]);
    this.#carry(add(scaled(right, -dx * pixel), scaled(up, dy * pixel)));
  }

  /** What lies under a place of the screen; looked for once for all steps of a wheel's or two fingers' movement. */
  #anchorAt(x, y) {
    const now = performance.now();
    const { last } = this;
    const goesOn = last && now - last.now < SAME_MOVEMENT_MS && Math.hypot(x - last.x, y - last.y) < SAME_PLACE_PIXELS;
    this.last = goesOn ? { ...last, now } : { now, x, y, place: this.events.anchor(x, y) };
    return this.last.place;
  }

  /** Comes nearer to what is under a place of the screen. @param {number} factor of the distance, below one: nearer */
  approach(factor, x, y) {
    const { eye } = this;
    const depth = eye.distance / Math.max(0.2, dot(eye.direction(x, y), eye.forward));
    const anchor = this.#anchorAt(x, y) ?? add(eye.position, scaled(eye.direction(x, y), depth));
    const towards = (place) => add(anchor, scaled(subtract(place, anchor), factor));
    const position = towards(eye.position);
    const distance = eye.distance * factor;
    eye.position = position;
    eye.target = add(position, scaled(eye.forward, distance));
  }
}
