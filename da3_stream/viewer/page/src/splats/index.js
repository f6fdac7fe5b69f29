/** The script that draws splats: it comes when somebody wants to see them, and gives itself to the page. */
import { provideSplats } from "da3-page";
import { SplatLayer } from "./layer.js";

provideSplats((viewer) => new SplatLayer(viewer));
