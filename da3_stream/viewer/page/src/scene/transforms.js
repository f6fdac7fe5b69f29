/** The similarity of every frame, as a texture that the points' shader reads: a correction changes only this. */
import { DataTexture, FloatType, NearestFilter, RGBAFormat } from "three";
import { split } from "../tables/float64.js";
import { TEXELS, TEXTURE_WIDTH } from "./shaders.js";

const FRAMES_A_LINE = TEXTURE_WIDTH / TEXELS;
const WITHOUT_POSE = -2;
const UNKNOWN_TRUST = -1;

export class Transforms {
  constructor() {
    this.used = 0;
    this.frameRows = new Uint32Array(0); // row of the frame table of each place in the texture
    this.placesOfRow = new Map();
    this.#makeTexture(1);
  }

  #makeTexture(lines) {
    const values = new Float32Array(4 * TEXTURE_WIDTH * lines);
    if (this.texture) values.set(this.texture.image.data);
    this.texture?.dispose();
    this.texture = new DataTexture(values, TEXTURE_WIDTH, lines, RGBAFormat, FloatType);
    this.texture.minFilter = NearestFilter;
    this.texture.magFilter = NearestFilter;
    this.texture.needsUpdate = true;
    const rows = new Uint32Array(lines * FRAMES_A_LINE);
    rows.set(this.frameRows);
    this.frameRows = rows;
  }

  /** Forgets all places; the texture stays. */
  clear() {
    this.used = 0;
    this.placesOfRow.clear();
  }

  get bytes() {
    return this.texture.image.data.byteLength;
  }

  /** Room for the frames of a submap, given as rows of the table (-1: no such frame); returns the first place. */
  allocate(rows, table) {
    const first = this.used;
    this.used += rows.length;
    const lines = Math.ceil(this.used / FRAMES_A_LINE);
    if (lines > this.texture.image.height) this.#makeTexture(Math.max(lines, 2 * this.texture.image.height));
    rows.forEach((row, k) => {
      const places = this.placesOfRow.get(row) ?? [];
      this.placesOfRow.set(row, [...places, first + k]);
      this.frameRows[first + k] = row;
      this.#write(first + k, row, table);
    });
    this.texture.needsUpdate = true;
    return first;
  }

  /** Writes the similarities of frames that changed. @param {Iterable<number>} rows */
  update(rows, table) {
    for (const row of rows) {
      for (const place of this.placesOfRow.get(row) ?? []) {
        this.#write(place, row, table);
        this.texture.needsUpdate = true;
      }
    }
  }

  #write(place, row, table) {
    const values = this.texture.image.data;
    const at = 4 * TEXELS * place;
    if (row < 0 || !table.hasPose(row)) {
      values.fill(0, at, at + 4 * TEXELS);
      values[at + 7] = WITHOUT_POSE;
      return;
    }
    const root = Math.sqrt(table.scale[row]);
    for (let axis = 0; axis < 3; axis++) {
      [values[at + axis], values[at + 4 + axis]] = split(table.translation[3 * row + axis]);
    }
    for (let k = 0; k < 4; k++) values[at + 8 + k] = table.rotation[4 * row + k] * root;
    values[at + 3] = table.time[row] - table.time[0];
    const trust = table.confidence[row];
    values[at + 7] = Number.isNaN(trust) ? UNKNOWN_TRUST : trust;
  }
}
