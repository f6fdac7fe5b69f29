/** Draws blocks of points: each node is an object with its two columns as they came from the server. */
import {
  BufferAttribute, BufferGeometry, GLSL3, Group, Matrix3, Points, RawShaderMaterial, Vector2, Vector3,
} from "three";
import { categoryColour, RAMP_NAMES, rampTexture } from "./colours.js";
import { COLOURS } from "./settings.js";
import { POINTS_FRAGMENT, POINTS_VERTEX } from "./shaders.js";

function uniforms() {
  return {
    u_frames: { value: null },
    u_ramp: { value: null },
    u_corner: { value: new Vector3() },
    u_step: { value: 1 },
    u_base: { value: 0 },
    u_mode: { value: 0 },
    u_range: { value: new Vector2(0, 1) },
    u_up: { value: new Vector3(0, 0, 1) },
    u_node_colour: { value: new Vector3(1, 1, 1) },
    u_size: { value: 1 },
    u_size_bounds: { value: new Vector2(1, 16) },
    u_upright: { value: new Matrix3() },
    u_clip_min: { value: new Vector3() },
    u_clip_max: { value: new Vector3() },
    u_clips: { value: false },
  };
}

export class PointClouds {
  /** @param {import("./transforms.js").Transforms} transforms @param {object} shared of eyeUniforms */
  constructor(transforms, shared) {
    this.transforms = transforms;
    this.group = new Group();
    this.group.matrixAutoUpdate = false;
    this.uniforms = { ...shared, ...uniforms() };
    this.ramps = Object.fromEntries(RAMP_NAMES.map((name) => [name, rampTexture(name)]));
    this.uniforms.u_ramp.value = this.ramps.height;
    this.material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: POINTS_VERTEX,
      fragmentShader: POINTS_FRAGMENT,
      uniforms: this.uniforms,
    });
    this.pixels = 1; // of a point whose spacing is one world unit, at a distance of one
    this.drawnPoints = 0;
  }

  /** @param {string} name one of COLOURS @param {[number, number]} range of what the ramp shows */
  colourBy(name, range) {
    this.uniforms.u_mode.value = COLOURS.indexOf(name);
    this.uniforms.u_ramp.value = this.ramps[name] ?? this.ramps.height;
    this.uniforms.u_range.value.set(range[0], range[1]);
  }

  /** Makes the object of a node whose block arrived. */
  add(node) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("a_place", new BufferAttribute(node.block.place, 4, false));
    geometry.setAttribute("a_colour", new BufferAttribute(node.block.colour, 4, true));
    const points = new Points(geometry, this.material);
    points.frustumCulled = false; // the levels are chosen by what is in sight
    points.matrixAutoUpdate = false;
    points.visible = false;
    points.onBeforeRender = () => this.#useNode(node);
    node.object = points;
    this.group.add(points);
  }

  remove(node) {
    if (!node.object) return;
    this.group.remove(node.object);
    node.object.geometry.dispose();
    node.object = null;
  }

  /** Shows these nodes and no others. @param {{node: object, points: number, spacing: number}[]} drawn */
  show(drawn) {
    for (const object of this.group.children) object.visible = false;
    this.drawnPoints = 0;
    for (const { node, points, spacing } of drawn) {
      node.object.visible = true;
      node.object.geometry.setDrawRange(0, points);
      node.drawnSpacing = spacing * Math.sqrt(node.points / points);
      node.drawnPoints = points;
      this.drawnPoints += points;
    }
  }

  /** Edge of a node's points in pixels at a depth of one, in a frame of scale one. */
  #size(node) {
    return (this.pixels * node.drawnSpacing * node.spacing) / node.worldSpacing;
  }

  /** Edge of a point in pixels, as the shader draws it. */
  pixelsOf(node, depth, scale) {
    const { x, y } = this.uniforms.u_size_bounds.value;
    return Math.min(y, Math.max(x, (this.#size(node) * scale) / depth));
  }

  #useNode(node) {
    const values = this.uniforms;
    const half = node.size / 2;
    values.u_frames.value = this.transforms.texture;
    values.u_corner.value.set(node.centre[0] - half, node.centre[1] - half, node.centre[2] - half);
    values.u_step.value = node.size / 65535;
    values.u_base.value = node.submap.base;
    values.u_size.value = this.#size(node);
    const [r, g, b] = categoryColour(node.submap.info.id);
    values.u_node_colour.value.set(r / 255, g / 255, b / 255);
    this.material.uniformsNeedUpdate = true;
  }
}
