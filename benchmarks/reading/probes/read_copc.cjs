// What the npm package copc reads of a COPC file: header, hierarchy, and all points of all nodes.
const { Copc } = require("copc");

(async () => {
  const path = process.argv[2];
  const copc = await Copc.create(path);
  const { nodes } = await Copc.loadHierarchyPage(path, copc.info.rootHierarchyPage);
  const points = [], colours = [];
  let count = 0, outside = 0;
  const low = copc.info.cube.slice(0, 3), side = copc.info.cube[3] - copc.info.cube[0];
  for (const [key, node] of Object.entries(nodes)) {
    if (!node || !node.pointCount) continue;
    const view = await Copc.loadPointDataView(path, copc, node);
    const get = Object.fromEntries(["X", "Y", "Z", "Red", "Green", "Blue"].map((name) => [name, view.getter(name)]));
    const [depth, ...cell] = key.split("-").map(Number);
    const edge = side / 2 ** depth;
    for (let i = 0; i < view.pointCount; i++) {
      const place = [get.X(i), get.Y(i), get.Z(i)];
      const inside = place.every((x, axis) => {
        const at = (x - low[axis]) / edge - cell[axis];
        return at > -1e-6 && at < 1 + 1e-6;
      });
      if (!inside) outside++;
      points.push(place);
      colours.push([get.Red(i), get.Green(i), get.Blue(i)]);
    }
    count += view.pointCount;
  }
  console.log(JSON.stringify({
    header: copc.header.pointCount, count, outside, wkt: copc.wkt || "", points, colours, nodes: Object.keys(nodes).length,
  }));
})();
