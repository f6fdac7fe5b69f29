/**
 * Which nodes a view needs: coarse ones of everything in sight first, finer ones where the distance of points on the
 * screen is still too large, while the budget of points lasts.
 */

/** Points closer than this on the screen need no finer level, pixels. */
export const FINE_PIXELS = 1.5;
/** What is drawn stays drawn until it is this much finer than needed: without it levels flicker at the border. */
const HYSTERESIS = 0.75;
/** Share of the budget that the coarsest levels may take together. */
const COARSE_SHARE = 0.5;

/**
 * @typedef {object} View
 * @property {number[]} eye world
 * @property {{normal: number[], constant: number}[]} planes of the frustum, relative to the eye; inside is positive
 * @property {number} focal pixels
 * @property {number} near
 */

/** Distance of a sphere's near side, or -1 where it is out of sight. */
export function distanceInSight(view, centre, radius) {
  const [x, y, z] = [centre[0] - view.eye[0], centre[1] - view.eye[1], centre[2] - view.eye[2]];
  for (const { normal, constant } of view.planes) {
    if (normal[0] * x + normal[1] * y + normal[2] * z + constant < -radius) return -1;
  }
  return Math.max(view.near, Math.hypot(x, y, z) - radius);
}

/** Distance of a node's points on the screen in pixels, or -1 where the node is out of sight. */
function screenSpacing(view, node) {
  const away = distanceInSight(view, node.worldCentre, node.worldRadius);
  return away < 0 ? -1 : (node.worldSpacing / away) * view.focal;
}

/** A binary heap with the largest `priority` on top. */
class Heap {
  #items = [];

  get length() {
    return this.#items.length;
  }

  push(item) {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent].priority >= item.priority) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop() {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length) this.#sink(last);
    return top;
  }

  #sink(item) {
    const items = this.#items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1].priority > items[child].priority) child += 1;
      if (items[child].priority <= item.priority) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }
}

/** How many points of a coarsest node are worth drawing: more than one for each square of FINE_PIXELS are not. */
function pointsWorth(node, pixels, finePixels) {
  return Math.max(1, Math.min(node.points, Math.ceil(node.points * Math.min(1, pixels / finePixels) ** 2)));
}

/**
 * @param {Iterable<import("./submap_nodes.js").LevelNode>} roots
 * @param {View} view
 * @param {number} budget points
 * @param {number} finePixels
 * @returns {{node: object, points: number, priority: number}[]} coarse before fine, then by need
 */
export function chooseNodes(roots, view, budget, finePixels = FINE_PIXELS) {
  const coarse = coarseChoice(roots, view, budget, finePixels);
  const chosen = [...coarse];
  let left = budget - coarse.reduce((sum, item) => sum + item.points, 0);
  const heap = new Heap();
  const expand = (node, pixels) => {
    if (pixels > finePixels * (node.expanded ? HYSTERESIS : 1)) for (const child of node.children) offer(child);
  };
  const offer = (node) => {
    const priority = screenSpacing(view, node);
    if (priority >= 0) heap.push({ node, points: node.points, priority });
  };
  for (const item of coarse) if (item.points === item.node.points) expand(item.node, item.priority);
  while (heap.length) {
    const item = heap.pop();
    if (item.points > left) continue; // a smaller one may still fit
    left -= item.points;
    chosen.push(item);
    expand(item.node, item.priority);
  }
  return chosen;
}

function coarseChoice(roots, view, budget, finePixels) {
  const items = [];
  for (const node of roots) {
    const priority = screenSpacing(view, node);
    if (priority >= 0) items.push({ node, points: pointsWorth(node, priority, finePixels), priority });
  }
  items.sort((a, b) => b.priority - a.priority);
  const wanted = items.reduce((sum, item) => sum + item.points, 0);
  const share = Math.min(1, (COARSE_SHARE * budget) / wanted);
  if (share < 1) for (const item of items) item.points = Math.max(1, Math.floor(item.points * share));
  return items;
}

/** The distance of points that one sees at a node: finer where its children are drawn, too. */
export function seenSpacing(node, drawn) {
  const finer = node.children.filter((child) => drawn.has(child));
  if (!finer.length) return node.worldSpacing;
  return finer.reduce((sum, child) => sum + seenSpacing(child, drawn), 0) / finer.length;
}
