/** Answers that lie in the document: `<script type="text/plain" class="answer" data-path="/points/3">BASE64</script>`. */
import { POINT_BYTES } from "../tables/decoding.js";

/** @param {string} text @returns {Uint8Array} */
function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let k = 0; k < binary.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

export class EmbeddedSource {
  isEmbedded = true;

  /** @param {Iterable<HTMLScriptElement>} elements */
  constructor(elements) {
    this.answers = new Map([...elements].map((element) => [element.dataset.path, element]));
    this.traffic = { requests: 0, bytes: 0 };
    this.urls = new Map();
    this.blocks = new Map(); // of submaps, decoded once: the file holds few megabytes
  }

  #bytes(path) {
    const element = this.answers.get(path);
    if (!element) throw new Error(`this file holds no ${path}`);
    const bytes = fromBase64(element.textContent);
    this.traffic.bytes += bytes.length;
    return bytes;
  }

  #json(path) {
    return JSON.parse(new TextDecoder().decode(this.#bytes(path)));
  }

  /** The whole state once; after that nothing is new, ever. */
  async state(since) {
    return since === null ? this.#json("/state") : new Promise(() => {});
  }

  async frames() {
    return this.#bytes("/frames").buffer;
  }

  async poses() {
    return this.#bytes("/poses").buffer;
  }

  async cameras() {
    return this.#bytes("/cameras").buffer;
  }

  async submap(id) {
    return this.#json(`/submaps/${id}`);
  }

  async points(id, header, first, last) {
    if (!this.blocks.has(id)) this.blocks.set(id, this.#bytes(`/points/${id}`));
    const bytes = this.blocks.get(id);
    const end = header.nodes[last];
    const start = header.nodes[first].offset - header.nodes[0].offset;
    return bytes.slice(start, end.offset - header.nodes[0].offset + POINT_BYTES * end.points).buffer;
  }

  async frame(row) {
    return this.#json(`/frame/${row}`);
  }

  async depth() {
    return null;
  }

  #url(path, type) {
    if (!this.answers.has(path)) return null;
    if (!this.urls.has(path)) this.urls.set(path, URL.createObjectURL(new Blob([this.#bytes(path)], { type })));
    return this.urls.get(path);
  }

  imageUrl(row) {
    return this.#url(`/image/${row}`, "image/jpeg");
  }

  depthUrl() {
    return null;
  }

  confidenceUrl() {
    return null;
  }

  maskUrl() {
    return this.#url("/mask", "image/png");
  }

  loopUrl() {
    return null;
  }

  reportUrl() {
    return null;
  }

  exportUrl() {
    return null;
  }
}
