// The picture of the three sources: one lane for each, drawn from the spans that the server measured.

import { element, milliseconds, number, svg } from "./dom.js";

const ROW = 30;
const BAR = 18;
const TITLE = 34;
const GAP = 18;
const AXIS = 20;

/** Runs of the demo by their mode; the last of each is shown. */
const runs = new Map();
const MODES = [
  ["sequential", "One after another"],
  ["concurrent", "All at once"],
];
const SOURCES = ["database", "partner", "file"];
const LANES = TITLE + SOURCES.length * ROW;

/** Adds a response of `/sync-data` or `/async-data` to the picture. */
export function addRun(response) {
  runs.set(response.execution_mode, response);
  draw();
}

/** The sentence that compares both modes, or "" while one of them is missing. */
export function verdict() {
  const [slow, fast] = [runs.get("sequential"), runs.get("concurrent")];
  if (!slow || !fast || slow.total_time_ms === 0) return "";
  const saved = Math.round((1 - fast.total_time_ms / slow.total_time_ms) * 100);
  const times = `${milliseconds(fast.total_time_ms)} instead of ${milliseconds(slow.total_time_ms)}`;
  return saved > 0 ? `${times}: ${saved}% less waiting.` : `${times}: with so little to wait for, nothing is gained.`;
}

/** What each source answered in the run that came last. */
export function answers(response) {
  const texts = { database: response.database_data, partner: response.api_data, file: response.file_data };
  const body = element("tbody");
  for (const span of response.timeline) {
    const name = element("th", "", element("span", `key ${span.source}`, span.source));
    name.scope = "row";
    body.append(element("tr", "", name, element("td", "", texts[span.source]), element("td", "number", milliseconds(span.end_ms - span.start_ms))));
  }
  const head = element("tr", "", ...["Source", "Answer", "Took"].map((text) => element("th", text === "Took" ? "number" : "", text)));
  for (const cell of head.children) cell.scope = "col";
  return element("table", "", element("thead", "", head), body);
}

/** Draws the picture for the width that there is; before the first run it is an empty frame. */
export function draw() {
  const chart = document.getElementById("timeline");
  const width = Math.max(chart.clientWidth, 240);
  const left = 84;
  const right = 58;
  const longest = Math.max(0, ...[...runs.values()].flatMap((run) => run.timeline.map((span) => span.end_ms)));
  const scale = (ms) => left + (longest ? (ms / longest) * (width - left - right) : 0);
  const height = MODES.length * LANES + GAP + AXIS;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": description() });

  for (const tick of ticks(longest, width - left - right)) {
    const x = scale(tick);
    for (const [index] of MODES.entries()) {
      const top = index * (LANES + GAP) + TITLE;
      root.append(svg("line", { class: "grid", x1: x, x2: x, y1: top - 6, y2: top + SOURCES.length * ROW - 6 }));
    }
    root.append(svg("text", { x, y: height - 6, "text-anchor": tick === 0 ? "start" : "middle" }, tick === 0 ? "0 ms" : number(tick, 2)));
  }
  MODES.forEach(([mode, title], index) => {
    const top = index * (LANES + GAP);
    drawMode(root, runs.get(mode), title, { top, left, width, right, scale });
  });
  chart.replaceChildren(root);
}

function drawMode(root, run, title, { top, left, width, right, scale }) {
  root.append(svg("text", { class: "title", x: 0, y: top + 16 }, title));
  const total = run ? milliseconds(run.total_time_ms) : "not run yet";
  root.append(svg("text", { class: run ? "total" : "", x: width, y: top + 16, "text-anchor": "end" }, total));
  SOURCES.forEach((source, row) => {
    const y = top + TITLE + row * ROW;
    root.append(svg("text", { x: 0, y: y + 14 }, source));
    const span = run?.timeline.find((span) => span.source === source);
    if (!span) {
      root.append(svg("rect", { class: "track", x: left, y, width: width - left - right, height: BAR, rx: 5 }));
      return;
    }
    const x = scale(span.start_ms);
    const length = Math.max(scale(span.end_ms) - x, 2);
    root.append(svg("rect", { class: `bar ${source}`, x, y, width: length, height: BAR, rx: Math.min(5, length / 2) }));
    root.append(svg("text", { class: "value", x: x + length + 7, y: y + 14 }, milliseconds(span.end_ms - span.start_ms)));
  });
}

/** Round steps of the axis, as many as there is room for. */
function ticks(longest, room) {
  if (!longest) return [];
  const rough = longest / Math.max(2, Math.floor(room / 80));
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough);
  const count = Math.floor(longest / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** The picture in words. */
function description() {
  if (!runs.size) return "Timeline of the three sources; not run yet.";
  const parts = MODES.filter(([mode]) => runs.has(mode)).map(([mode, title]) => {
    const run = runs.get(mode);
    const spans = run.timeline.map((span) => `${span.source} from ${number(span.start_ms)} to ${number(span.end_ms)}`);
    return `${title}: ${spans.join(", ")} milliseconds; ${milliseconds(run.total_time_ms)} in all.`;
  });
  return `Timeline of the three sources. ${parts.join(" ")}`;
}
