// A small client of the resumable protocol tus 1.0.0: one upload, which asks where it stands whenever it has broken off.

const VERSION = { "Tus-Resumable": "1.0.0" };
// Milliseconds before each new try; progress begins them anew.
const PAUSES = [500, 1000, 2000, 4000, 8000];

/** What the server refuses for good: to ask again would change nothing. */
class Refused extends Error {}

export class Upload {
  #file;
  #told;
  #request = null;
  #creating = null;
  // The run that goes on; a new one after each pause, since the one before may still wait for something.
  #run = null;

  /** `told` has `begun(url)`, `progress(bytes)`, `waiting(seconds)`, `done()` and `failed(reason)`. */
  constructor(file, url, told) {
    this.#file = file;
    this.url = url;
    this.#told = told;
  }

  /** Goes on, from wherever the server stands. */
  async start() {
    if (this.#run) return;
    const run = {};
    this.#run = run;
    let tries = 0;
    while (this.#run === run) {
      const before = this.sent ?? 0;
      try {
        await this.#send(run);
        if (this.#run !== run) return;
        this.#run = null;
        this.#told.done();
        return;
      } catch (error) {
        if (this.#run !== run) return;
        if ((this.sent ?? 0) > before) tries = 0;
        if (error instanceof Refused || tries === PAUSES.length) {
          this.#run = null;
          this.#told.failed(error.message);
          return;
        }
        this.#told.waiting(PAUSES[tries] / 1000);
        await new Promise((resolve) => setTimeout(resolve, PAUSES[tries]));
        tries += 1;
      }
    }
  }

  /** Stops; what the server has stays there. */
  pause() {
    this.#run = null;
    this.#request?.abort();
  }

  /** Stops, and lets the server forget it. */
  async remove() {
    this.pause();
    if (this.url) await fetch(this.url, { method: "DELETE", headers: VERSION }).catch(() => {});
  }

  async #send(run) {
    // One that was paused while it was created is created now, and not a second time.
    await this.#creating?.catch(() => {});
    if (this.#run !== run) return;
    let offset = this.url ? await this.#ask() : null;
    if (this.#run !== run) return;
    if (offset === null) {
      this.#creating = this.#create();
      await this.#creating;
      offset = 0;
    }
    if (this.#run !== run) return;
    if (offset < this.#file.size) await this.#patch(offset);
  }

  /** Where the server stands; `null` if it knows the upload no more. */
  async #ask() {
    const response = await fetch(this.url, { method: "HEAD", headers: VERSION, cache: "no-store" });
    if (response.status === 404 || response.status === 410) return null;
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    const offset = Number(response.headers.get("Upload-Offset"));
    this.#progress(offset);
    return offset;
  }

  async #create() {
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.#file.name)));
    const headers = { ...VERSION, "Upload-Length": String(this.#file.size), "Upload-Metadata": `filename ${name}` };
    const response = await fetch("/uploads/files", { method: "POST", headers });
    if (!response.ok) throw await refusal(response.status, await response.text(), response.headers.get("Retry-After"));
    this.url = response.headers.get("Location");
    this.#told.begun(this.url);
  }

  /** Sends the rest. The older interface tells how much has gone out. */
  #patch(offset) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open("PATCH", this.url);
      const headers = { ...VERSION, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => this.#progress(offset + loaded);
      request.onload = () => {
        if (request.status !== 204) {
          refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")).then(reject);
          return;
        }
        const stands = Number(request.getResponseHeader("Upload-Offset"));
        this.#progress(stands);
        if (stands === this.#file.size) resolve();
        else reject(new Error("The server took a part."));
      };
      request.onerror = () => reject(new Error("The connection broke off."));
      request.onabort = () => reject(new Error("It was paused."));
      request.send(offset === 0 ? this.#file : this.#file.slice(offset));
    });
  }

  #progress(bytes) {
    this.sent = bytes;
    this.#told.progress(bytes);
  }
}

/** The error of an answer: for good, unless the server may think better of it. */
async function refusal(status, text, retryAfter) {
  let reason = `The server answered ${status}.`;
  try {
    reason = `Refused: ${JSON.parse(text).detail}.`;
  } catch {
    // No JSON: the status is the reason.
  }
  const passing = retryAfter !== null || status === 408 || status === 409 || status === 423 || status >= 500;
  return passing && status !== 507 ? new Error(reason) : new Refused(reason);
}
