// The live stream: counts what arrives while it arrives, and shows its end.

import { element, number, say, svg } from "./dom.js";

const TAIL_LINES = 9;
const SAMPLES = 400;

const byId = (id) => document.getElementById(id);

/** Makes the two buttons of the stream work. */
export function setUpStream() {
  let running = null;
  const [start, stop] = [byId("run-stream"), byId("stop-stream")];
  const setRunning = (controller) => {
    running = controller;
    start.setAttribute("aria-disabled", String(Boolean(controller)));
    stop.setAttribute("aria-disabled", String(!controller));
  };
  start.addEventListener("click", async () => {
    if (running) return;
    setRunning(new AbortController());
    try {
      await receive(running.signal);
    } finally {
      setRunning(null);
    }
  });
  stop.addEventListener("click", () => running?.abort());
}

async function receive(signal) {
  const parameters = new URLSearchParams({ chunks: byId("chunks").value, delay_ms: byId("delay").value });
  const view = new View(Number(byId("chunks").value));
  say("streaming", "Waiting for the server…");
  try {
    const response = await fetch(`/stream?${parameters}`, { cache: "no-store", signal });
    if (!response.ok) {
      say("streaming", `The server answered ${response.status}: ${(await response.text()).trim()}.`, true);
      return;
    }
    view.open();
    say("streaming", "Chunks are arriving.");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      view.add(value);
    }
    view.close();
    say("streaming", `The stream ended after ${number(view.chunks)} chunks.`);
  } catch {
    view.close();
    const reason = signal.aborted ? "You stopped the stream" : "The connection broke";
    say("streaming", `${reason} after ${number(view.chunks)} chunks.`, !signal.aborted);
  }
}

/** What has arrived, painted at most once a frame. */
class View {
  chunks = 0;
  #bytes = 0;
  #expected;
  #started = performance.now();
  #rest = "";
  #tail = [];
  #samples = [[0, 0]];
  #frame = 0;
  #ended = false;

  constructor(expected) {
    this.#expected = expected;
  }

  open() {
    const panel = byId("streaming-panel");
    panel.querySelector(".empty").hidden = true;
    panel.querySelector(".output").hidden = false;
    this.#paint();
  }

  add(text) {
    // The demo's chunks are ASCII, one line each; the network may cut them anywhere.
    this.#bytes += text.length;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    this.chunks += lines.length;
    this.#tail = [...this.#tail, ...lines].slice(-TAIL_LINES);
    this.#sample();
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  close() {
    this.#ended = true;
    cancelAnimationFrame(this.#frame);
    this.#paint();
  }

  #elapsed() {
    return performance.now() - this.#started;
  }

  #sample() {
    this.#samples.push([this.#elapsed(), this.chunks]);
    // Thinned when full: the curve keeps its shape, the memory its bound.
    if (this.#samples.length > SAMPLES) this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
  }

  #paint() {
    this.#frame = 0;
    byId("stream-chunks").textContent = number(this.chunks);
    byId("stream-bytes").textContent = number(this.#bytes);
    byId("stream-time").textContent = `${number(this.#elapsed() / 1000, 1)} s`;
    const progress = byId("stream-progress");
    progress.max = this.#expected;
    progress.value = this.chunks;
    byId("stream-tail").textContent = this.#tail.join("\n");
    this.#drawCurve();
  }

  /** Chunks over time, from the first to the last one that arrived. */
  #drawCurve() {
    const chart = byId("stream-chart");
    const [width, height] = [Math.max(chart.clientWidth, 200), 120];
    const [time] = this.#samples.at(-1);
    const x = (ms) => (time ? (ms / time) * width : 0);
    const y = (chunks) => height - 1 - (chunks / Math.max(this.#expected, 1)) * (height - 4);
    const points = this.#samples.map(([ms, chunks]) => `${x(ms).toFixed(1)},${y(chunks).toFixed(1)}`);
    const label = `Chunks received over time: ${number(this.chunks)}${this.#ended ? " in all" : " so far"}.`;
    chart.replaceChildren(
      svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label },
        svg("line", { class: "grid", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }),
        svg("polygon", { class: "area", points: `0,${height} ${points.join(" ")} ${width},${height}` }),
        svg("polyline", { class: "curve", points: points.join(" ") })),
    );
  }
}
