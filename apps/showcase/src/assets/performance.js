// The figures of the benchmark: bars with their numbers, the article's apart from the measured ones.

import { element, figures, number } from "./dom.js";
import { growthBlocks } from "./growth.js";

/** The most comparisons that are shown at once. */
const MOST_SHOWN = 6;

/** The panel's content for a response of `/performance`. */
export function performanceBlocks(response) {
  return [measured(response), ...growthBlocks(response.growth), article(response.article)];
}

function measured(response) {
  const block = element("div", "block", element("h3", "", "Measured here"));
  const { results } = response;
  if (!results) {
    block.append(element("p", "note", "No figure is shown, because none can be vouched for."));
    block.append(element("p", `notice ${response.status}`, sentence(response.message)));
    return block;
  }
  const about = [results.date, results.machine, results.workload].filter(Boolean).join(" · ");
  if (about) block.append(element("p", "note", about));
  block.append(bars(response, ""));
  block.append(...details(response));
  return block;
}

function article(report) {
  const block = element("div", "block", element("h3", "", "The article's figures"));
  block.append(element("p", "note", "Stated by the article this showcase follows; not measured here."));
  block.append(bars(report, "elsewhere"));
  block.append(...details(report));
  return block;
}

/** One bar for each server; the current framework's stands out. */
function bars(report, kind) {
  const fastest = Math.max(...report.comparison.map((row) => row.qps));
  const own = report.current_framework?.framework_name;
  const list = element("ul", `bars ${kind}`);
  for (const row of [...report.comparison].sort((a, b) => b.qps - a.qps)) {
    const fill = element("span", "fill");
    fill.style.width = `${(row.qps / fastest) * 100}%`;
    const track = element("span", "track", fill);
    track.setAttribute("aria-hidden", "true");
    list.append(element("li", row.name === own ? "own" : "", element("span", "", row.name), element("span", "amount", `${number(row.qps, kind === "elsewhere" ? 2 : 0)} requests/s`), track));
  }
  return list;
}

function details(report) {
  const current = report.current_framework;
  if (!current) return [];
  const optional = (value, show) => (value === null ? null : show(value));
  const milliseconds = (value) => `${number(value, 2)} ms`;
  const list = figures([
    ["Latency, mean", optional(current.latency_avg_ms, milliseconds)],
    ["Latency, 99 of 100", optional(current.latency_p99_ms, milliseconds)],
    ["Latency, longest", optional(current.latency_max_ms, milliseconds)],
    ["Requests in all", optional(current.requests_total, (total) => number(total))],
    ["Connections", optional(current.concurrency_level, (level) => number(level))],
    ["Duration", optional(current.test_duration_seconds, (seconds) => `${number(seconds)} s`)],
  ]);
  const advantages = element("ul", "tips columns");
  for (const { vs_framework: other, improvement_percent: percent } of report.performance_advantage) {
    const more = percent >= 0 ? "more" : "fewer";
    advantages.append(element("li", "", `${number(Math.abs(percent), 1)}% ${more} requests than ${other}`));
  }
  // Many of them would hide what comes below.
  const compared = advantages.childElementCount > MOST_SHOWN
    ? element("details", "", element("summary", "", "Compared in per cent"), advantages)
    : advantages;
  return [list, compared].filter((node) => node.childElementCount > 0);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
