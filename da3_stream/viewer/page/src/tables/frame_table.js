/**
 * All frames of a run: when they were taken, where they are now. A row is a frame with a submap; rows are only appended.
 */
import { add, conjugate, multiply, rotate, scaled, subtract } from "./float64.js";

const NONE = 0xffffffff;

/** An array of the same kind with room for `length` values: doubles, so that appending costs little. */
function grown(array, length, fill) {
  if (array.length >= length) return array;
  const larger = new array.constructor(Math.max(length, 2 * array.length));
  larger.fill(fill);
  larger.set(array);
  return larger;
}

export class FrameTable {
  constructor() {
    this.count = 0;
    this.revision = 0; // of which all poses are known
    this.time = new Float64Array(0);
    this.sourceIndex = new Uint32Array(0);
    this.submap = new Uint32Array(0);
    this.rowInSubmap = new Uint32Array(0);
    this.intrinsics = new Float32Array(0);
    this.status = new Uint8Array(0);
    this.translation = new Float64Array(0); // world_from_submap of each frame
    this.rotation = new Float32Array(0);
    this.scale = new Float32Array(0);
    this.confidence = new Float32Array(0);
    this.fixed = new Float64Array(0); // submap_from_camera [rows,8]: rotation, translation, scale; never changes
  }

  /** @param {import("./decoding.js").FrameRows} rows */
  append(rows) {
    const end = rows.first + rows.count;
    this.#makeRoom(end);
    for (const name of ["time", "sourceIndex", "submap", "rowInSubmap", "status"]) this[name].set(rows[name], rows.first);
    this.count = Math.max(this.count, end);
  }

  #makeRoom(length) {
    for (const name of ["time", "scale", "confidence"]) this[name] = grown(this[name], length, NaN);
    for (const name of ["sourceIndex", "submap"]) this[name] = grown(this[name], length, NONE);
    for (const name of ["rowInSubmap", "status"]) this[name] = grown(this[name], length, 0);
    this.intrinsics = grown(this.intrinsics, 6 * length, 0);
    this.translation = grown(this.translation, 3 * length, NaN);
    this.rotation = grown(this.rotation, 4 * length, NaN);
    this.fixed = grown(this.fixed, 8 * length, NaN);
  }

  /** Takes world_from_submap of the frames that changed; returns their rows. @returns {Uint32Array} */
  setPoses(poses) {
    for (let k = 0; k < poses.count; k++) {
      const row = poses.row[k];
      this.translation.set(poses.translation.subarray(3 * k, 3 * k + 3), 3 * row);
      this.rotation.set(poses.rotation.subarray(4 * k, 4 * k + 4), 4 * row);
      this.scale[row] = poses.scale[k];
      this.confidence[row] = poses.confidence[k];
    }
    return poses.row;
  }

  /**
   * Learns intrinsics, and submap_from_camera from world_from_camera beside world_from_submap of the same revision; of
   * rows after `last` the latter may be another one.
   * @param {import("./decoding.js").CameraRows} cameras @param {number} last
   */
  setCameras(cameras, last = this.count - 1) {
    for (let k = 0; k < cameras.count; k++) {
      const row = cameras.row[k];
      if (row > last || !this.hasPose(row)) continue;
      this.intrinsics.set(cameras.intrinsics.subarray(6 * k, 6 * k + 6), 6 * row);
      const back = conjugate(this.#quaternion(row));
      const away = subtract(cameras.translation.subarray(3 * k, 3 * k + 3), this.translation.subarray(3 * row, 3 * row + 3));
      const turn = multiply(back, [...cameras.rotation.subarray(4 * k, 4 * k + 4)]);
      const centre = scaled(rotate(back, away), 1 / this.scale[row]);
      this.fixed.set([...turn, ...centre, cameras.scale[k] / this.scale[row]], 8 * row);
    }
  }

  hasPose(row) {
    return row < this.count && Number.isFinite(this.translation[3 * row]) && this.scale[row] > 0;
  }

  hasCamera(row) {
    return this.hasPose(row) && Number.isFinite(this.fixed[8 * row]);
  }

  #quaternion(row) {
    return this.rotation.subarray(4 * row, 4 * row + 4);
  }

  /** A point of the frame's submap in the world. */
  worldFromSubmap(row, point) {
    const turned = scaled(rotate(this.#quaternion(row), point), this.scale[row]);
    return add(turned, this.translation.subarray(3 * row, 3 * row + 3));
  }

  /** Where the camera is in the world, or null. @returns {number[]|null} */
  centre(row) {
    return this.hasCamera(row) ? this.worldFromSubmap(row, this.fixed.subarray(8 * row + 4, 8 * row + 7)) : null;
  }

  /** world_from_camera's rotation (x right, y down, z forward), or null. @returns {number[]|null} */
  orientation(row) {
    return this.hasCamera(row) ? multiply(this.#quaternion(row), this.fixed.subarray(8 * row, 8 * row + 4)) : null;
  }

  /** World units in one of the camera's frame, in which splats are kept. */
  cameraScale(row) {
    return this.scale[row] * this.fixed[8 * row + 7];
  }

  /** What the table holds of a row, or null. */
  frame(row) {
    if (!(row >= 0 && row < this.count)) return null;
    return {
      row,
      time: this.time[row],
      sourceIndex: this.sourceIndex[row],
      submap: this.submap[row],
      statusCode: this.status[row],
      confidence: this.confidence[row],
      centre: this.centre(row),
      orientation: this.orientation(row), // x right, y down, z ahead
      intrinsics: [...this.intrinsics.subarray(6 * row, 6 * row + 6)],
    };
  }

  /** The last row with a camera whose time is not after `end` (seconds), -1 where there is none. */
  lastCamera(end) {
    for (let row = this.count - 1; row >= 0; row--) if (this.time[row] <= end && this.hasCamera(row)) return row;
    return -1;
  }

  /** Row of a source index, -1 where it has none (source indices ascend). */
  rowOf(sourceIndex) {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.sourceIndex[middle] === sourceIndex) return middle;
      if (this.sourceIndex[middle] < sourceIndex) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
