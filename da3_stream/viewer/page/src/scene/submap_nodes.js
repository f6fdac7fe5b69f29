/** The nodes of one submap: cubes in the submap's own frame, and the spheres around them in the world now. */
import { add, distance, scaled } from "../tables/float64.js";

const HALF_DIAGONAL = Math.sqrt(3) / 2;

/**
 * @typedef {object} LevelNode
 * @property {SubmapNodes} submap
 * @property {number} number breadth first
 * @property {number[]} centre of the cube, in the submap's frame
 * @property {number} size edge
 * @property {number} spacing distance of its points
 * @property {number} points
 * @property {LevelNode|null} parent
 * @property {LevelNode[]} children
 * @property {number[]} worldCentre
 * @property {number} worldRadius
 * @property {number} worldSpacing
 * @property {object|null} block its points, once they are here
 * @property {boolean} asked
 * @property {number} lastDrawn
 * @property {boolean} expanded its children were drawn the last time
 */

export class SubmapNodes {
  /** @param {object} info a submap of /state */
  constructor(info) {
    this.info = info;
    this.header = null;
    this.nodes = [];
    this.roots = []; // nodes with none above them
    this.rows = []; // of the frame table, for every row number in a block
    this.base = -1; // first place in the texture of similarities
    this.asked = false;
    this.isPlaced = false; // where its frames are now
    this.slack = 0;
    this.hasPose = false;
    this.closed = false;
  }

  /** Takes the header of the levels; nodes are breadth first, a child's key begins with its parent's. */
  open(header, table, transforms) {
    this.header = header;
    this.rows = header.frames.map((index) => this.#rowOf(index, table));
    this.base = transforms.allocate(this.rows, table);
    const byKey = new Map();
    this.nodes = header.nodes.map((node, number) => {
      const parent = nearestAbove(node.key, byKey);
      const made = { ...node, submap: this, number, parent, children: [], block: null, asked: false, lastDrawn: 0 };
      made.expanded = false; // its children were drawn the last time
      byKey.set(node.key, made);
      parent?.children.push(made);
      return made;
    });
    this.roots = this.nodes.filter((node) => !node.parent);
    this.isPlaced = false; // where its frames are now
  }

  /** A frame whose pose belongs to another submap has no points here. */
  #rowOf(sourceIndex, table) {
    const row = table.rowOf(sourceIndex);
    return row >= 0 && table.submap[row] === this.info.id ? row : -1;
  }

  /** Moves the spheres to where the frames are now; each holds its points whichever frame they are of. */
  place(table) {
    if (this.isPlaced || !this.header) return;
    this.isPlaced = true;
    const posed = this.rows.filter((row) => row >= 0 && table.hasPose(row));
    this.hasPose = posed.length > 0;
    if (!this.hasPose || !this.nodes.length) return;
    const middle = posed[posed.length >> 1];
    this.slack = Math.max(...this.roots.map((root) => slackAround(root, middle, posed, table)));
    for (const node of this.nodes) this.#placeNode(node, middle, table);
  }

  #placeNode(node, middle, table) {
    const scale = table.scale[middle];
    node.worldCentre = table.worldFromSubmap(middle, node.centre);
    node.worldRadius = node.size * HALF_DIAGONAL * scale + this.slack;
    node.worldSpacing = node.spacing * scale;
  }
}

/** The node above: that of the longest key which this one begins with (nodes without points are left out). */
function nearestAbove(key, byKey) {
  for (let length = key.length - 1; length > 0; length--) {
    const above = byKey.get(key.slice(0, length));
    if (above) return above;
  }
  return null;
}

/** How far the similarities of a submap's frames carry the corners of a cube apart, world units. */
export function slackAround(root, middle, rows, table) {
  let slack = 0;
  for (let corner = 0; corner < 8; corner++) {
    const sign = [corner & 1 ? 1 : -1, corner & 2 ? 1 : -1, corner & 4 ? 1 : -1];
    const place = add(root.centre, scaled(sign, root.size / 2));
    const usual = table.worldFromSubmap(middle, place);
    for (const row of rows) slack = Math.max(slack, distance(usual, table.worldFromSubmap(row, place)));
  }
  return slack;
}
