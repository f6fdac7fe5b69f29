/** Opens the run that this page came with and shows it. */
import "./page.css";
import { Viewer } from "./scene/viewer.js";
import { openSource } from "./source.js";
import { mountUi } from "./ui/index.js";

export * from "./shared.js";

const notice = document.getElementById("notice");

function say(text) {
  notice.textContent = text ?? "";
  notice.hidden = !text;
}

try {
  const viewer = new Viewer(document.getElementById("view"), openSource());
  window.da3_viewer = viewer; // for tests and the curious
  viewer.on("connection", say);
  mountUi(viewer, document.getElementById("ui"));
} catch (error) {
  say(`This page needs WebGL 2, which this browser does not give it (${error.message}).`);
  throw error;
}
