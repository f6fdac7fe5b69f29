/** The server that this page came from. */

/** An answer that is not what was asked for. `status` 0: there was no answer at all. */
export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export class LiveSource {
  isEmbedded = false;

  /** @param {string} base address of the page */
  constructor(base) {
    this.base = base;
    this.traffic = { requests: 0, bytes: 0 };
    this.#countOwnFiles();
  }

  /** The page itself and its files are traffic, too. */
  #countOwnFiles() {
    const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    this.traffic.requests = entries.length;
    this.traffic.bytes = entries.reduce((sum, entry) => sum + (entry.encodedBodySize || 0), 0);
  }

  url(path, query = {}) {
    const url = new URL(path, this.base);
    url.hash = "";
    url.search = "";
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  async #ask(path, query, signal) {
    this.traffic.requests += 1;
    let response;
    try {
      response = await fetch(this.url(path, query), { signal, credentials: "same-origin", redirect: "error" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new RequestError("the server does not answer", 0);
    }
    if (!response.ok) throw new RequestError(`${path}: ${response.status} ${response.statusText}`, response.status);
    return response;
  }

  async #binary(path, query) {
    const response = await this.#ask(path, query);
    const buffer = await response.arrayBuffer();
    this.#count(response, buffer.byteLength);
    return buffer;
  }

  async #json(path, query, signal) {
    const response = await this.#ask(path, query, signal);
    if (response.status === 204) return null;
    const text = await response.text();
    this.#count(response, text.length);
    return JSON.parse(text);
  }

  /** What came over the wire: of a compressed answer its header tells; a proxy may leave that out. */
  #count(response, unpacked) {
    this.traffic.bytes += Number(response.headers.get("Content-Length") ?? unpacked);
  }

  state(since, signal, epoch) {
    return this.#json("state", { since, epoch }, signal);
  }

  frames(from) {
    return this.#binary("frames", { from });
  }

  poses(wanted) {
    return this.#binary("poses", wanted);
  }

  cameras(wanted) {
    return this.#binary("cameras", wanted);
  }

  submap(id) {
    return this.#json(`submaps/${id}`);
  }

  points(id, header, first, last) {
    return this.#binary(`points/${id}`, { first, last, revision: header.revision });
  }

  frame(row) {
    return this.#json(`frame/${row}`);
  }

  async depth(row) {
    const buffer = await this.#binary(`depth/${row}`, { raw: 1 });
    const [width, height] = new Uint32Array(buffer, 0, 2);
    return { width, height, values: new Float32Array(buffer, 8, width * height) };
  }

  splats(row, most, revision) {
    return this.#binary(`splats/${row}`, { most, revision });
  }

  imageUrl(row, size = null) {
    return this.url(`image/${row}`, { size });
  }

  depthUrl(row) {
    return this.url(`depth/${row}`);
  }

  confidenceUrl(row) {
    return this.url(`confidence/${row}`);
  }

  maskUrl() {
    return this.url("mask");
  }

  loopUrl(loop, side) {
    return this.url(`loop/${loop}/${side}`);
  }

  reportUrl() {
    return this.url("report");
  }

  exportUrl(name) {
    return this.url(`export/${encodeURIComponent(name)}`);
  }
}
