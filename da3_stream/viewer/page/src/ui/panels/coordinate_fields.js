/** Where a marked point is on the Earth: the coordinate system of the file, and three numbers. */
import { element } from "../dom.js";
import { isGeographic } from "../../tools/gcp_list.js";

const AXES = { map: ["east", "north", "height"], world: ["x", "y", "z"] };
const OF = {
  hand: "Given by hand.",
  world: "Those of the picked point in the run's own world: put surveyed ones in their place.",
  map: "Those of the picked point on the map.",
  nothing: "",
};

/** Fields that show the chosen point's coordinates until somebody gives others. */
export class CoordinateFields {
  /**
   * @param {import("../../tools/marked_points.js").MarkedPoints} points
   * @param {{changed: () => void, say: (text: string) => void}} calls
   */
  constructor(points, calls) {
    [this.points, this.calls] = [points, calls];
    const words = { id: "gcp-system", placeholder: "EPSG:32632", spellcheck: "false" };
    this.system = element("input", { ...words, onchange: () => this.#setSystem() });
    this.names = AXES.map.map(() => element("span"));
    this.fields = this.names.map((_, i) => element("input", { inputmode: "decimal", onchange: () => this.#set(i) }));
    this.origin = element("p", { class: "quiet" });
    this.rows = [
      element("label", { class: "row" }, element("span", { text: "System" }), this.system),
      ...this.fields.map((field, i) => element("label", { class: "row" }, this.names[i], field)),
      this.origin,
    ];
  }

  #setSystem() {
    this.points.setSystem(this.system.value.trim());
    this.calls.changed();
  }

  #set(i) {
    const text = this.fields[i].value.trim().replace(",", ".");
    const value = text === "" ? null : Number(text);
    const { point } = this.points;
    const given = [...this.points.coordinates(point)];
    given[i] = value;
    if (Number.isNaN(value)) this.calls.say(`${text} is no number.`);
    else point.coordinates = this.fields.every((field) => field.value.trim() === "") ? null : given;
    this.calls.changed();
  }

  show() {
    const { points } = this;
    const digits = isGeographic(points.coordinateSystem) ? 8 : 3;
    const values = points.coordinates(points.point);
    this.system.value = points.coordinateSystem;
    values.forEach((value, i) => (this.fields[i].value = Number.isFinite(value) ? value.toFixed(digits) : ""));
    const whose = points.whoseCoordinates(points.point);
    this.names.forEach((name, i) => (name.textContent = AXES[whose === "world" ? "world" : "map"][i]));
    this.origin.textContent = OF[whose];
  }
}
