// What loaders.gl makes of a 3D tile set: every tile's box, geometric error, and the positions of its content on the Earth.
const fs = require("fs");
const path = require("path");
const { load, registerLoaders } = require("@loaders.gl/core");
const { Tiles3DLoader } = require("@loaders.gl/3d-tiles");

const file = process.argv[2], folder = path.dirname(file);
const disk = async (url) => new Response(fs.readFileSync(String(url).replace(/^file:\/\//, "")));

(async () => {
  const tileset = await load(file, Tiles3DLoader, { "3d-tiles": { isTileset: true }, core: { worker: false }, fetch: disk, worker: false });
  const tiles = [];
  const walk = async (tile, depth, above) => {
    const entry = { depth, error: tile.geometricError, box: tile.boundingVolume, above, refine: tile.refine, transform: tile.transform };
    if (tile.contentUrl || tile.content) {
      const url = path.resolve(folder, tile.content && tile.content.uri ? tile.content.uri : tile.contentUrl);
      entry.url = String(url);
      const content = await load(String(url), Tiles3DLoader, { "3d-tiles": { isTileset: false, loadGLTF: true }, fetch: disk, worker: false });
      entry.type = content.type;
      entry.byteLength = content.byteLength || 0;
      const meshes = content.gltf && content.gltf.meshes ? content.gltf.meshes : [];
      entry.points = meshes.flatMap((mesh) => mesh.primitives.map((each) => each.attributes.POSITION.value.length / 3)).reduce((a, b) => a + b, 0);
    }
    tiles.push(entry);
    for (const child of tile.children || []) await walk(child, depth + 1, tile.geometricError);
  };
  await walk(tileset.root, 0, null);
  console.log(JSON.stringify({ asset: tileset.asset, tiles }));
})();
