// What loaders.gl reads of a LAS file: positions and colours.
const fs = require("fs");
const { parse } = require("@loaders.gl/core");
const { LASLoader } = require("@loaders.gl/las");

(async () => {
  const data = fs.readFileSync(process.argv[2]);
  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const cloud = await parse(buffer, LASLoader, { worker: false, las: { fp64: true, colorDepth: 16 } });
  const points = cloud.attributes.POSITION.value, colours = cloud.attributes.COLOR_0 ? cloud.attributes.COLOR_0.value : [];
  console.log(JSON.stringify({ points: Array.from(points), colours: Array.from(colours) }));
})();
