// The dashboard: one event for each tile, as soon as its source has answered.

import { element, milliseconds, number } from "/assets/dom.js";

/** The longest that the server waits for a source, in milliseconds: the length of the tiles' bars. */
const WITHIN = 2000;
const EVERY = 2000;

const TILES = [
  ["orders", "Orders", "a query"],
  ["regions", "Regions", "a query, kept for 3 s"],
  ["delivery", "Delivery", "a call, as you like"],
  ["rates", "For one euro", "a call, kept for 10 s"],
  ["notice", "Notice", "a file"],
];
const STATES = { fresh: "fresh", stale: "stale", fallback: "fallback", failed: "failed" };

const form = document.getElementById("form");
const button = document.getElementById("ask");
const again = document.getElementById("again");
let source = null;
let timer = null;

build();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  askAll();
});
form.addEventListener("change", (event) => {
  if (event.target.name === "delivery") askAll();
  else if (again.checked && !source) askAll();
  else if (!again.checked) clearTimeout(timer);
});
addEventListener("pagehide", () => source?.close());

function build() {
  const list = document.getElementById("tiles");
  for (const [name, title, kind] of TILES) {
    const tile = element("li", "panel tile");
    tile.id = `tile-${name}`;
    const heading = element("h3", "", title);
    const badge = element("span", "badge", "not asked yet");
    const value = element("div", "value", "–");
    const took = element("div", "took");
    tile.append(element("header", "", heading, badge), element("p", "kind", kind), value, took);
    tile.dataset.state = "waiting";
    list.append(tile);
  }
}

/** Asks all sources; what was asked before and still waits is given up, here and at the server. */
function askAll() {
  clearTimeout(timer);
  source?.close();
  const delivery = new FormData(form).get("delivery");
  const query = `?delivery=${delivery}`;
  const begun = performance.now();
  const states = [];
  for (const [name] of TILES) wait(name);
  say("Waiting for five sources…");
  button.setAttribute("aria-busy", "true");
  const events = new EventSource(`/dashboard/tiles${query}`);
  source = events;
  events.addEventListener("tile", ({ data }) => {
    const { name, part } = JSON.parse(data);
    states.push(part.state);
    fill(name, part);
  });
  events.addEventListener("end", ({ data }) => {
    finish(events);
    const whole = states.every((state) => state === "fresh");
    const count = (wanted) => states.filter((state) => state === wanted).length;
    const parts = Object.keys(STATES).filter(count).map((state) => `${count(state)} ${STATES[state]}`);
    say(`${whole ? "All five are there" : "The page is there"} after ${milliseconds(performance.now() - begun)}: ${parts.join(", ")}.`);
    figures(JSON.parse(data), query);
    if (again.checked) timer = setTimeout(askAll, EVERY);
  });
  events.addEventListener("error", () => {
    finish(events);
    say("The server did not answer. Is it still running?", true);
    if (again.checked) timer = setTimeout(askAll, 2 * EVERY);
  });
}

/** A source of events that has ended would be opened anew by the browser. */
function finish(events) {
  events.close();
  if (source === events) source = null;
  button.removeAttribute("aria-busy");
}

function wait(name) {
  const tile = document.getElementById(`tile-${name}`);
  tile.dataset.state = "waiting";
  tile.querySelector(".badge").textContent = "waiting…";
  tile.querySelector(".took").replaceChildren();
}

function fill(name, part) {
  const tile = document.getElementById(`tile-${name}`);
  tile.dataset.state = part.state;
  tile.querySelector(".badge").textContent = STATES[part.state] ?? part.state;
  const value = tile.querySelector(".value");
  value.classList.toggle("text", name === "notice");
  value.replaceChildren(...(part.value === null ? ["No answer"] : show[name](part.value)));
  if (part.why) value.append(element("small", "why", reason(part)));
  const attempts = part.attempts > 1 ? `, ${part.attempts} attempts` : "";
  const age = part.age_ms === undefined ? "" : `, kept ${seconds(part.age_ms)} ago`;
  const meter = element("meter");
  meter.max = WITHIN;
  meter.value = part.elapsed_ms;
  meter.setAttribute("aria-hidden", "true");
  tile.querySelector(".took").replaceChildren(`${milliseconds(part.elapsed_ms)}${attempts}${age}`, meter);
}

function reason({ why }) {
  return `${why[0].toUpperCase()}${why.slice(1)}.`;
}

const show = {
  orders: ({ count, cents }) => [number(count), element("small", "", `worth ${euros(cents)}`)],
  regions: (regions) => {
    const most = Math.max(...regions.map(({ cents }) => cents));
    const list = element("ul", "bars");
    for (const { name, cents } of regions) {
      const meter = element("meter");
      meter.max = most;
      meter.value = cents;
      meter.setAttribute("aria-hidden", "true");
      const amount = element("span", "amount", euros(cents));
      const item = element("li", "", element("span", "", name), amount);
      const track = element("span", "line-of-bar", meter);
      item.append(track);
      list.append(item);
    }
    return [list];
  },
  delivery: (text) => [text],
  rates: ({ usd, gbp, jpy }) => [`${number(usd, 2)} dollars`, element("small", "", `${number(gbp, 2)} pounds, ${number(jpy, 1)} yen`)],
  notice: (text) => [text],
};

function euros(cents) {
  return `€${number(cents / 100)}`;
}

function seconds(millis) {
  return `${number(millis / 1000, millis < 10_000 ? 1 : 0)} s`;
}

const CIRCUITS = {
  closed: "The breaker of the delivery service is closed: all may ask it.",
  open: "The breaker of the delivery service is open: it failed too often, and is left alone for four seconds.",
  "half-open": "The breaker of the delivery service is half open: the next one may try.",
};

function figures({ circuit, sources }, query) {
  const rows = TILES.map(([name, title]) => {
    const counts = sources[name];
    const head = element("th", "", title);
    head.scope = "row";
    const columns = ["asked", "attempts", "joined", "cached", "retries", "timeouts", "refused"];
    return element("tr", "", head, ...columns.map((column) => element("td", "number", number(counts[column]))));
  });
  document.getElementById("counts").replaceChildren(...rows);
  document.getElementById("circuit").textContent = CIRCUITS[circuit] ?? "";
  const link = document.getElementById("report");
  link.href = `/dashboard/report${query}`;
  link.textContent = `GET /dashboard/report${query}`;
  document.getElementById("figures").hidden = false;
}

function say(text, failed = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}
