/** The user interface over the view. */

/** @param {import("../scene/viewer.js").Viewer} viewer @param {HTMLElement} root */
export function mountUi(viewer, root) {
  const title = document.createElement("h1");
  root.append(title);
  viewer.on("state", (state) => {
    title.textContent = `${state.run.name}: ${state.run.state}`;
  });
}
