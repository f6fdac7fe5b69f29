/** The user interface over the view. */
import "./style/index.css";
import { App } from "./app.js";
import { element } from "./dom.js";

/**
 * Waits for the first answer on the run, then shows all.
 * @param {import("../scene/viewer.js").Viewer} viewer @param {HTMLElement} root
 */
export function mountUi(viewer, root) {
  const loading = element("p", { class: "empty", role: "status", text: "Loading the run …" });
  root.append(loading);
  const end = viewer.on("state", () => {
    end();
    loading.remove();
    new App(viewer, root);
  });
}
