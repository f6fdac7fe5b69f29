/** The panel of files: the report, exports that are there, and commands for others. */
import { copyButton, element } from "../dom.js";
import { sizeText } from "../words/format.js";

/** Downloads of what lies in the run's export folder; for other formats the command to copy. */
export class FilesPanel {
  /** @param {import("../run_view.js").RunView} run */
  constructor(run) {
    this.run = run;
    this.root = element("div", { class: "stack" });
    run.viewer.on("state", () => this.show());
    this.show();
  }

  show() {
    const { state } = this.run;
    const said = JSON.stringify([state?.exports, state?.export_commands, state?.has_report]);
    if (!state || said === this.said) return;
    this.said = said;
    const { isEmbedded } = this.run.source;
    const parts = isEmbedded ? this.#ofFile() : [...this.#report(state), ...this.#exports(state.exports)];
    this.root.replaceChildren(...parts.filter((part) => part !== null), ...commands(state.export_commands));
  }

  /** What a file of `--format page` holds beside the view: the report's figures, where they are in nobody's way. */
  #ofFile() {
    this.figures ??= document.querySelector("details.figures");
    this.figures?.setAttribute("open", "");
    const words = "This file holds the view alone; the report and exports are made from the run itself.";
    return [element("p", { class: "quiet", text: words }), this.figures];
  }

  #report({ has_report: isThere }) {
    if (!isThere) return [element("p", { class: "quiet", text: "The report is written when the run ends." })];
    const link = { class: "button wide", href: this.run.source.reportUrl(), target: "_blank", rel: "noopener" };
    return [element("a", { ...link, text: "Open the report" })];
  }

  #exports(exports) {
    if (!exports.length)
      return [
        element("p", {
          class: "quiet",
          text: "Nothing was exported yet: copy a command below, then the file stands here.",
        }),
      ];
    const rows = exports.map(({ name, bytes }) => element("li", {}, this.#exported(name, bytes)));
    return [element("h2", { text: "In the export folder" }), element("ul", { class: "list" }, ...rows)];
  }

  #exported(name, bytes) {
    const address = this.run.source.exportUrl(name);
    const size = element("span", { class: "quiet", text: sizeText(bytes) });
    if (address === null) return element("div", { class: "entry" }, element("strong", { text: name }), size);
    return element(
      "a",
      { class: "entry", href: address, download: "" },
      element("strong", { text: `↓ ${name}` }),
      size,
    );
  }
}

function commands(list) {
  if (!list.length) return [];
  const rows = list.map(({ format, text, command }) =>
    element(
      "li",
      {},
      element(
        "details",
        { class: "entry" },
        element("summary", {}, element("strong", { text: format }), element("span", { text })),
        element(
          "div",
          { class: "command" },
          element("code", { text: command }),
          copyButton(() => command),
        ),
      ),
    ),
  );
  return [element("h2", { text: "Other formats, by a command" }), element("ul", { class: "list" }, ...rows)];
}
