/** Pyramids where the cameras were, one draw call for all. */
import {
  BufferAttribute, GLSL3, InstancedBufferAttribute, InstancedBufferGeometry, LineSegments, RawShaderMaterial,
} from "three";
import { split } from "../tables/float64.js";
import { FRUSTUM_VERTEX, PLAIN_FRAGMENT } from "./shaders.js";

/** Apex to each corner, around the picture, and a tick on its upper side (y is down). */
const EDGES = [
  [0, 0, 0], [-1, -1, 1], [0, 0, 0], [1, -1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0], [-1, 1, 1],
  [-1, -1, 1], [1, -1, 1], [1, -1, 1], [1, 1, 1], [1, 1, 1], [-1, 1, 1], [-1, 1, 1], [-1, -1, 1],
  [-0.4, -1, 1], [0, -1.5, 1], [0, -1.5, 1], [0.4, -1, 1],
];
/** More are not told apart; of longer runs every second, third ... is drawn. */
export const MOST_FRUSTA = 600;

export class Frusta {
  constructor(shared) {
    this.material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: FRUSTUM_VERTEX,
      fragmentShader: PLAIN_FRAGMENT,
      uniforms: { ...shared, u_depth: { value: 1 } },
    });
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("a_corner", new BufferAttribute(new Float32Array(EDGES.flat()), 3));
    const column = (Type, size, normalized = false) =>
      new InstancedBufferAttribute(new Type(size * (MOST_FRUSTA + 1)), size, normalized);
    geometry.setAttribute("a_centre_high", column(Float32Array, 3));
    geometry.setAttribute("a_centre_low", column(Float32Array, 3));
    geometry.setAttribute("a_rotation", column(Float32Array, 4));
    geometry.setAttribute("a_reach", column(Float32Array, 3));
    geometry.setAttribute("a_colour", column(Uint8Array, 4, true));
    geometry.setAttribute("a_time", column(Float32Array, 1));
    geometry.setDrawRange(0, EDGES.length); // three.js counts by an attribute `position`, which there is not
    geometry.instanceCount = 0;
    this.object = new LineSegments(geometry, this.material);
    this.object.frustumCulled = false;
    this.object.matrixAutoUpdate = false;
    this.bytes = 60 * (MOST_FRUSTA + 1);
    this.rows = [];
  }

  /**
   * @param {{row: number, centre: number[], orientation: number[], reach: [number, number], colour: number[],
   *   size: number, time: number}[]} cameras reach: half width and half height at a depth of one
   * @param {number} depth of a pyramid of size one, world units
   */
  set(cameras, depth) {
    const { attributes } = this.object.geometry;
    const { a_centre_high, a_centre_low, a_rotation, a_reach, a_colour, a_time } = attributes;
    cameras.forEach(({ centre, orientation, reach, colour, size, time }, k) => {
      for (let axis = 0; axis < 3; axis++) {
        [a_centre_high.array[3 * k + axis], a_centre_low.array[3 * k + axis]] = split(centre[axis]);
      }
      a_rotation.array.set(orientation, 4 * k);
      a_reach.array.set([...reach, size], 3 * k);
      a_colour.array.set([...colour, 255], 4 * k);
      a_time.array[k] = time;
    });
    for (const name of Object.keys(attributes)) attributes[name].needsUpdate = name !== "a_corner";
    this.object.geometry.instanceCount = cameras.length;
    this.rows = cameras.map((camera) => camera.row);
    this.depth = depth;
    this.material.uniforms.u_depth.value = depth;
  }
}
