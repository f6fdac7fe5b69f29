// What splat-transform reads of a PLY or SPZ file of splats: positions and mean colours, by the CSV file that it writes.
const fs = require("fs");
const path = require("path");
const { execFileSync } = require("child_process");

const [, , file, csv] = process.argv;
const folder = process.env.NODE_PATH.split(path.delimiter)[0];
execFileSync("node", [path.join(folder, ".bin", "splat-transform"), "-w", "-q", file, csv], { stdio: "ignore" });
const [head, ...lines] = fs.readFileSync(csv, "utf8").trim().split("\n");
const names = head.trim().split(",");
const rows = lines.map((line) => line.split(",").map(Number));
const columns = (wanted) => rows.flatMap((row) => wanted.map((name) => row[names.indexOf(name)]));
console.log(JSON.stringify({
  count: rows.length,
  points: columns(["x", "y", "z"]),
  dc: columns(["f_dc_0", "f_dc_1", "f_dc_2"]),
}));
