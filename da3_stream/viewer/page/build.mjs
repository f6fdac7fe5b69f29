// Bundles the page into ../assets and writes the hashes of all sources and outputs (`make assets`).
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const assets = join(here, "..", "assets");
const SPLATS = "@mkkellogg/gaussian-splats-3d";
const LIBRARIES = ["three", SPLATS]; // what is bundled, each with its licence

/** The script of splats takes three.js from the page's, and of the viewer of splats the mesh, which it does not export. */
const besideThePage = {
  name: "beside-the-page",
  setup(builder) {
    builder.onResolve({ filter: /^(three|da3-page)$/ }, () => ({ path: "./page.js", external: true }));
    builder.onLoad({ filter: /gaussian-splats-3d\.module\.js$/ }, ({ path }) => ({
      contents: `${readFileSync(path, "utf8")}\nexport { SplatMesh };\n`,
      loader: "js",
    }));
  },
};

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // the licences stand in files of their own
  charset: "ascii",
  outdir: assets,
  logLevel: "warning",
};

function filesUnder(folder) {
  const names = readdirSync(join(here, folder)).sort();
  const paths = names.map((name) => join(folder, name));
  return paths.flatMap((path) => (statSync(join(here, path)).isDirectory() ? filesUnder(path) : [path]));
}

function hashes(root, names) {
  const digest = (name) => createHash("sha256").update(readFileSync(join(root, name))).digest("hex");
  return Object.fromEntries(names.map((name) => [name.replaceAll("\\", "/"), digest(name)]));
}

rmSync(assets, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });
await build({ ...common, entryPoints: { page: "src/main.js" } });
await build({ ...common, entryPoints: { splats: "src/splats/index.js" }, plugins: [besideThePage] });
copyFileSync(join(here, "index.html"), join(assets, "index.html"));
for (const name of LIBRARIES) {
  copyFileSync(join(here, "node_modules", name, "LICENSE"), join(assets, `LICENSE.${name.split("/").at(-1)}.txt`));
}
const sources = ["build.mjs", "index.html", "package.json", "package-lock.json", ...filesUnder("src")].sort();
const written = { sources: hashes(here, sources), assets: hashes(assets, readdirSync(assets).sort()) };
writeFileSync(join(assets, "hashes.json"), JSON.stringify(written, null, 1) + "\n");
