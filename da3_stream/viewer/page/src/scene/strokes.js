/** Lines of a width in pixels, with ends in two float32 each. */
import {
  BufferAttribute, DynamicDrawUsage, GLSL3, InstancedBufferAttribute, InstancedBufferGeometry, Matrix4, Mesh,
  RawShaderMaterial, Vector2, Vector3,
} from "three";
import { split } from "../tables/float64.js";
import { PLAIN_FRAGMENT, STROKE_VERTEX } from "./shaders.js";

/** What all materials that draw relative to the eye share; the camera writes into it before each picture. */
export function eyeUniforms() {
  return {
    u_eye_high: { value: new Vector3() },
    u_eye_low: { value: new Vector3() },
    u_clip_from_relative: { value: new Matrix4() },
    u_viewport: { value: new Vector2(1, 1) },
    u_near: { value: 0.01 },
    u_time: { value: new Vector2(-3e38, 3e38) }, // what is shown, seconds since the first frame
  };
}

export class Strokes {
  /** @param {object} shared of eyeUniforms @param {number} width pixels */
  constructor(shared, width) {
    this.material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: STROKE_VERTEX,
      fragmentShader: PLAIN_FRAGMENT,
      uniforms: { ...shared, u_width: { value: width } },
    });
    this.object = new Mesh(new InstancedBufferGeometry(), this.material);
    this.object.frustumCulled = false;
    this.object.matrixAutoUpdate = false;
    this.count = 0;
    this.bytes = 0;
    this.#makeRoom(0);
  }

  set width(pixels) {
    this.material.uniforms.u_width.value = pixels;
  }

  #makeRoom(capacity) {
    this.capacity = capacity;
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("a_corner", new BufferAttribute(new Float32Array([0, -1, 1, -1, 0, 1, 1, 1]), 2));
    geometry.setIndex([0, 1, 2, 2, 1, 3]);
    for (const name of ["a_from_high", "a_from_low", "a_to_high", "a_to_low"]) {
      geometry.setAttribute(name, new InstancedBufferAttribute(new Float32Array(3 * capacity), 3).setUsage(DynamicDrawUsage));
    }
    geometry.setAttribute("a_colour", new InstancedBufferAttribute(new Uint8Array(4 * capacity), 4, true));
    geometry.setAttribute("a_time", new InstancedBufferAttribute(new Float32Array(capacity), 1));
    this.object.geometry.dispose();
    this.object.geometry = geometry;
    this.bytes = 56 * capacity;
  }

  /** @param {{from: number[], to: number[], colour: number[], time: number}[]} lines ends in the world, sRGB bytes */
  set(lines) {
    if (lines.length > this.capacity) this.#makeRoom(2 * lines.length);
    const { attributes } = this.object.geometry;
    const { a_from_high, a_from_low, a_to_high, a_to_low, a_colour, a_time } = attributes;
    lines.forEach(({ from, to, colour, time }, k) => {
      for (let axis = 0; axis < 3; axis++) {
        [a_from_high.array[3 * k + axis], a_from_low.array[3 * k + axis]] = split(from[axis]);
        [a_to_high.array[3 * k + axis], a_to_low.array[3 * k + axis]] = split(to[axis]);
      }
      a_colour.array.set([...colour, 255], 4 * k);
      a_time.array[k] = time;
    });
    for (const name of Object.keys(attributes)) attributes[name].needsUpdate = name !== "a_corner";
    this.count = lines.length;
    this.object.geometry.instanceCount = lines.length;
  }
}
