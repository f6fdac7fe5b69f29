/** Elements of the page. Texts go in as text alone: names of files are foreign input. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Properties that begin with "on" are listeners, `text` is its text, `class`, `aria-…`, `data-…` and other
 * attributes are set as they are; true and false set and leave out an attribute.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node|string|null)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same of a drawing. @param {string} tag @param {Record<string, any>} [properties] @param {...Node} children */
export function drawing(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties)) set(made, name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function set(made, name, value) {
  if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
  else if (name === "text") made.textContent = value;
  else if (name === "value" || name === "checked" || name === "disabled") made[name] = value;
  else if (value === true) made.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
}

/** A button with a text that says what it does. @param {string} text @param {() => void} onclick */
export const button = (text, onclick, properties = {}) =>
  element("button", { type: "button", class: "button", text, onclick, ...properties });

/** The same with the key that does it, too. @param {string} text @param {string} key @param {() => void} onclick */
export function keyButton(text, key, onclick, properties = {}) {
  const made = button(text, onclick, { title: `Key: ${key}`, ...properties });
  made.append(element("kbd", { "aria-hidden": "true", text: key }));
  return made;
}

/** A box to tick. @param {string} text @param {boolean} checked @param {(checked: boolean) => void} onchange */
export function tick(text, checked, onchange) {
  const input = element("input", { type: "checkbox", checked, onchange: () => onchange(input.checked) });
  return { input, row: element("label", { class: "tick" }, input, element("span", { text })) };
}

let made = 0;

/**
 * A choice of one of several, with its label. @param {string} text @param {[string, string][]} options value and text
 * @param {string} value @param {(value: string) => void} onchange
 */
export function choice(text, options, value, onchange) {
  const id = `choice-${(made += 1)}`;
  const select = element("select", { id, onchange: () => onchange(select.value) });
  for (const [key, words] of options) select.append(element("option", { value: key, text: words }));
  select.value = value;
  return { select, row: element("div", { class: "row" }, element("label", { for: id, text }), select) };
}

/**
 * A slider with its label and its value in words. @param {string} text
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} words @param {(value: number) => void} oninput
 */
export function slider(text, range, words, oninput) {
  const id = `slider-${(made += 1)}`;
  const output = element("output", { for: id, text: words(range.value) });
  const input = element("input", { id, type: "range", min: range.min, max: range.max, step: range.step });
  const show = (value) => ((output.textContent = words(value)), input.setAttribute("aria-valuetext", words(value)));
  input.value = String(range.value);
  input.addEventListener("input", () => (show(Number(input.value)), oninput(Number(input.value))));
  const set = (value) => ((input.value = String(value)), show(Number(input.value)));
  return { input, set, row: element("div", { class: "row" }, element("label", { for: id, text }), input, output) };
}

/** A list of terms and what they are. @param {[string, string|Node][]} pairs */
export function facts(pairs) {
  const list = element("dl", { class: "facts" });
  for (const [term, what] of pairs) list.append(element("dt", { text: term }), element("dd", {}, what));
  return list;
}

/** A chip: a word with a colour that stands for it. @param {string} text @param {string} tone */
export const chip = (text, tone) => element("span", { class: "chip", "data-tone": tone, text });

/** Offer bytes as a file. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A button that copies a text and says so. @param {() => string} text @param {string} [words] */
export function copyButton(text, words = "Copy") {
  const made = button(words, async () => {
    const done = await copyText(text());
    made.textContent = done ? "Copied" : "Select and copy it";
    setTimeout(() => (made.textContent = words), 2000);
  });
  return made;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // pages from disk, or without leave to write the clipboard
  }
}
