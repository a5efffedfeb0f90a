// The imports: a file is sent, each import is watched by an event stream, and what was refused is shown line by line.

import { ask, element, number, say } from "/assets/dom.js";

const byId = (id) => document.getElementById(id);
const list = byId("list");
const cards = new Map();

const STATES = {
  waiting: "Waiting",
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};
const ended = ({ state }) => state !== "waiting" && state !== "running";

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = byId("file").files;
  if (file) send(file, file.name, "");
  else say("imports", "Choose a file first.", true);
});

byId("make").addEventListener("click", () => {
  const count = byId("count");
  if (!count.reportValidity()) return;
  const lines = readings(count.valueAsNumber);
  send(new Blob(lines, { type: "text/csv" }), `${number(count.valueAsNumber)} made-up readings`, "text/csv");
});

/** Readings of ten stations; about one in a thousand is wrong, each in another way. */
function readings(count) {
  const mistakes = ["Delta,,warm", "Delta,2026-01-01,451", ",2026-01-01,7", "Delta,2026-01-01", "\"Delta\",2026-01-01,1,2"];
  const lines = ["station,day,celsius\n"];
  for (let n = 0; n < count; n += 1) {
    if (n % 997 === 500) {
      lines.push(`${mistakes[Math.floor(n / 997) % mistakes.length]}\n`);
      continue;
    }
    const day = new Date(Date.UTC(1970, 0, 1 + Math.floor(n / 10))).toISOString().slice(0, 10);
    const celsius = (15 - 12 * Math.cos(n / 580) + (n % 10)).toFixed(1);
    lines.push(`Station ${n % 10},${day},${celsius}\n`);
  }
  return lines;
}

async function send(body, name, type) {
  const json = /\.(ndjson|jsonl)(\.(gz|zst))?$/.test(name);
  const headers = { "content-type": type || (json ? "application/x-ndjson" : "text/csv") };
  say("imports", "Sending the file…");
  try {
    const started = await ask(`/imports?name=${encodeURIComponent(name)}`, { method: "POST", headers, body });
    say("imports", `“${started.label}” is on the server's disk, and being imported.`);
    await refresh();
  } catch (error) {
    say("imports", error.message, true);
  }
}

/** Shows all imports that the server knows, the latest first. */
async function refresh() {
  const imports = await ask("/imports/list");
  byId("none").hidden = imports.length > 0;
  const known = new Set(imports.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (known.has(id)) continue;
    card.source?.close();
    cards.delete(id);
  }
  for (const status of imports) {
    if (!cards.has(status.id)) cards.set(status.id, make(status));
    show(cards.get(status.id), status);
  }
  list.replaceChildren(...imports.map(({ id }) => cards.get(id).item));
}

function make({ id, label }) {
  const title = element("h3", "", label);
  title.id = `import-${id}`;
  const state = element("p", "state");
  const bar = element("progress", "");
  bar.max = 1;
  bar.setAttribute("aria-labelledby", title.id);
  const reason = element("p", "reason");
  const buttons = element("div", "buttons");
  const details = element("details", "", element("summary", "", "What was refused"));
  const table = element("div", "scroll");
  table.tabIndex = 0;
  table.setAttribute("role", "region");
  table.setAttribute("aria-label", `What was refused of ${label}`);
  details.append(table);
  details.addEventListener("toggle", () => details.open && showReport(card));
  const item = element("li", "panel import", title, state, buttons, bar, reason, details);
  const card = { id, label, item, state, bar, reason, buttons, details, table, source: null, last: null };
  return card;
}

function show(card, status) {
  const { item, state, bar, reason, details } = card;
  const rows = `${number(status.written)} written, ${number(status.rejected)} refused`;
  state.replaceChildren(element("strong", "", STATES[status.state]), ` · ${rows}`);
  bar.value = status.bytes_total ? status.bytes_read / status.bytes_total : 0;
  bar.hidden = status.state === "done";
  reason.textContent = status.reason ?? "";
  reason.hidden = !status.reason;
  details.hidden = status.rejected === 0;
  item.classList.toggle("failed", status.state === "failed");
  if (card.last?.state !== status.state) offer(card, status);
  card.last = status;
  if (details.open && ended(status)) showReport(card);
  if (ended(status)) {
    card.source?.close();
    card.source = null;
  } else if (!card.source) {
    watch(card);
  }
}

function watch(card) {
  card.source = new EventSource(`/imports/${card.id}/events`);
  card.source.addEventListener("progress", (event) => show(card, JSON.parse(event.data)));
}

/** The buttons that the state allows. */
function offer(card, { state }) {
  const button = (text, path, method, happened) => {
    const node = element("button", "small", text);
    node.type = "button";
    node.setAttribute("aria-label", `${text} ${card.label}`);
    node.addEventListener("click", async () => {
      try {
        await ask(`/imports/${card.id}${path}`, { method });
        say("imports", `“${card.label}” ${happened}`);
      } catch (error) {
        say("imports", error.message, true);
      }
      await refresh();
      // The button may be gone: the keyboard goes on from what is there now.
      (card.item.isConnected ? card.buttons.querySelector("button") : byId("make"))?.focus();
    });
    return node;
  };
  const offered = [];
  if (!ended({ state })) offered.push(button("Cancel", "/cancel", "POST", "is cancelled; what was committed stays."));
  if (state === "failed" || state === "cancelled") offered.push(button("Go on", "/retry", "POST", "goes on behind its last reading."));
  if (ended({ state })) offered.push(button("Remove", "", "DELETE", "is forgotten; its readings stay."));
  card.buttons.replaceChildren(...offered);
}

/** The first lines of the report, and where all of it is. */
async function showReport(card) {
  const response = await fetch(`/imports/${card.id}/report?format=ndjson`, { cache: "no-store" });
  if (!response.ok) return;
  const lines = (await response.text()).split("\n").filter(Boolean);
  const head = element("tr", "");
  for (const name of ["Line", "Field", "Reason"]) {
    const cell = element("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = element("tbody", "");
  for (const line of lines.slice(0, 8).map((text) => JSON.parse(text))) {
    body.append(element("tr", "", element("td", "", number(line.line)), element("td", "", line.field || "—"), element("td", "", line.reason)));
  }
  const download = element("a", "", "Download the report");
  download.href = `/imports/${card.id}/report`;
  const more = lines.length > 8 ? `The first 8 of ${number(lines.length)}. ` : "";
  card.table.replaceChildren(element("table", "", element("thead", "", head), body), element("p", "download", more, download));
}

refresh().catch((error) => say("imports", error.message, true));
