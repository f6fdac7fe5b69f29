/** Keys of the page. Those that fly (W A S D Q E) are the scene's own. */

/** @typedef {{key: string, name: string, text: string, deed: () => void}} Shortcut `name` is what is printed on the key */

/** Listen for shortcuts, but not while somebody types. @param {Shortcut[]} shortcuts */
export function listenToKeys(shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      isTyping(event.target) ||
      document.querySelector("dialog[open]")
    )
      return;
    const found = shortcuts.find(({ key }) => key === event.key || key === event.key.toLowerCase());
    if (!found || (isPressable(event.target) && (event.key === " " || event.key === "Enter"))) return;
    event.preventDefault();
    found.deed();
  });
}

const isTyping = (target) =>
  target instanceof HTMLElement && target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");

/** What a space or Enter presses itself. */
const isPressable = (target) => target instanceof HTMLElement && target.matches("button, a, summary, input");
