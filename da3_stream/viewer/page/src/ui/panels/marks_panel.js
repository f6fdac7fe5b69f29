/** The panel of marks in pictures: points with coordinates, marked in several frames, for gcp_list.txt. */
import { button, keyButton, download, element } from "../dom.js";
import { clock } from "../words/format.js";
import { CoordinateFields } from "./coordinate_fields.js";
import { Picture } from "./picture.js";
import { gcpListText, whatIsThin, whyNoFile } from "../../tools/gcp_list.js";

const OFFERED = 12; // frames that show the point
/** Points on the left of the work: choose one, mark it in pictures, give its coordinates, take the file. */
export class MarksPanel {
  /**
   * @param {import("../../tools/marked_points.js").MarkedPoints} points
   * @param {{pick: () => void, changed: () => void, say: (text: string) => void}} calls
   */
  constructor(points, calls) {
    [this.points, this.run, this.calls] = [points, points.run, calls];
    this.row = null;
    this.chooser = element("div", { class: "buttons" });
    this.where = new CoordinateFields(points, { changed: () => this.#changed(), say: calls.say });
    this.label = element("input", { id: "gcp-label", maxlength: 40, onchange: () => this.#rename() });
    this.picture = new Picture((place) => this.#mark(place));
    this.caption = element("p", { class: "quiet" });
    this.frames = element("div", { class: "buttons" });
    this.marked = element("ul", { class: "list" });
    this.state = element("p", { class: "quiet", role: "status" });
    this.take = button("Download gcp_list.txt", () => this.#download(), { class: "button wide" });
    this.body = this.#body();
    this.root = element(
      "div",
      { class: "stack" },
      element("p", {
        class: "quiet",
        text: "Mark points in pictures for OpenDroneMap or other tools: five points, each in three pictures and more.",
      }),
      this.chooser,
      this.body,
    );
    this.run.viewer.on("poses", () => this.#spots());
    this.show();
  }

  #body() {
    const row = (text, field) => element("label", { class: "row" }, element("span", { text }), field);
    return element(
      "div",
      { class: "stack" },
      row("Label", this.label),
      element(
        "div",
        { class: "buttons" },
        keyButton("Pick it in the scene", "G", () => this.calls.pick()),
      ),
      ...this.where.rows,
      element("h3", { text: "In the picture" }),
      this.caption,
      this.picture.root,
      element(
        "div",
        { class: "buttons" },
        button("Previous", () => this.#step(-1)),
        button("Next", () => this.#step(1)),
      ),
      this.frames,
      element("h3", { text: "Marked in" }),
      this.marked,
      this.take,
      this.state,
    );
  }

  /** Which frame is selected. @param {number|null} row */
  showFrame(row) {
    if (row === null || row === this.row) return;
    this.row = row;
    this.picture.whole();
    this.#picture();
  }

  onopen() {
    if (this.row === null && this.run.count) this.showFrame(0);
    this.show();
  }

  #step(by) {
    const next = (this.row ?? 0) + by;
    if (next >= 0 && next < this.run.count) this.run.viewer.select(next);
  }

  #rename() {
    this.points.point.label = this.label.value.trim() || this.points.point.label;
    this.#changed();
  }

  #changed() {
    this.points.keep();
    this.calls.changed();
    this.show();
  }

  async #mark(place) {
    if (!this.points.point) this.points.add();
    const row = this.row;
    const details = await this.run.source.frame(row).catch(() => null);
    if (!details?.picture) return this.calls.say("This frame has no file name to mark.");
    const { name, width, height } = details.picture;
    this.points.mark({
      row,
      image: name,
      x: place.x * width - 0.5,
      y: place.y * height - 0.5,
      sheet: place,
    });
    await this.points.anchorByDepth(row, place);
    this.#changed();
  }

  #download() {
    const text = gcpListText(this.points.coordinateSystem, this.points.listed());
    download(new Blob([text], { type: "text/plain" }), "gcp_list.txt");
  }

  show() {
    const { points } = this;
    const chips = points.all.map((point, i) =>
      button(
        `${point.label} (${point.pictures.length})`,
        () => ((points.chosen = i), this.show(), this.calls.changed()),
        { "aria-pressed": String(i === points.chosen) },
      ),
    );
    this.chooser.replaceChildren(
      ...chips,
      button("New point", () => (points.add(), this.calls.changed(), this.show())),
    );
    this.body.hidden = points.point === null;
    if (points.point === null) return;
    this.label.value = points.point.label;
    this.where.show();
    this.#picture();
    this.#lists();
    const reason = whyNoFile(points.coordinateSystem, points.listed()) ?? points.whyNotInSystem();
    this.take.disabled = reason !== null;
    this.state.textContent = reason ?? whatIsThin(points.listed()) ?? "";
  }

  #lists() {
    const { points } = this;
    const rows = points.framesThatShow(OFFERED);
    this.frames.replaceChildren(
      ...rows.map((row) =>
        button(clock(this.run.timeOf(row), 1), () => this.run.viewer.select(row), {
          class: "button small",
          title: "A frame in which the point falls",
        }),
      ),
    );
    this.marked.replaceChildren(
      ...points.point.pictures.map((mark) =>
        element(
          "li",
          {},
          element(
            "div",
            { class: "entry entry-head" },
            element(
              "span",
              {},
              `${mark.image}: ${mark.x.toFixed(1)}, ${mark.y.toFixed(1)}`,
              element("span", { class: "quiet", text: this.#off(mark) }),
            ),
            button("Remove", () => (points.unmark(mark.row), this.#changed()), {
              class: "button small",
              "aria-label": `Remove the mark in ${mark.image}`,
            }),
          ),
        ),
      ),
    );
  }

  /** How far a mark is from where the reconstruction sees the point. */
  #off(mark) {
    const place = this.points.placeIn(mark.row);
    if (place === null) return "";
    const perShare = [(mark.x + 0.5) / mark.sheet.x, (mark.y + 0.5) / mark.sheet.y]; // pixels of the input's picture
    const off = Math.hypot((place.x - mark.sheet.x) * perShare[0], (place.y - mark.sheet.y) * perShare[1]);
    return ` (${off.toFixed(1)} px from the ring)`;
  }

  #picture() {
    if (this.row === null) return;
    this.picture.show(
      this.run.source.imageUrl(this.row),
      `picture of the frame at ${clock(this.run.timeOf(this.row), 1)}`,
    );
    this.#spots();
  }

  #spots() {
    const { point } = this.points;
    if (!point || this.row === null) return;
    const mark = point.pictures.find((other) => other.row === this.row);
    const place = this.points.placeIn(this.row);
    const spots = [];
    if (place) spots.push({ ...place, text: `${point.label} by the reconstruction`, kind: "expected" });
    if (mark) spots.push({ ...mark.sheet, text: `${point.label}, marked`, kind: "marked" });
    this.picture.spots(spots);
    this.caption.textContent = `${clock(this.run.timeOf(this.row), 1)}: ${captionWords(mark, place)}`;
  }
}

function captionWords(mark, place) {
  if (mark) return "marked (cross); the ring is where the reconstruction sees the point.";
  return place ? "click the point; the ring is where the reconstruction sees it." : "click the point in this picture.";
}
