// How cost grows: a chart of lines for each thing that grows, with its figures in a table.

import { element, number, svg } from "./dom.js";

const HEIGHT = 230;
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;

/** The blocks for the charts of `/performance`; none where nothing was measured. */
export function growthBlocks(charts) {
  if (!charts.length) return [];
  const block = element("div", "block growth", element("h3", "", "How cost grows"));
  block.append(element("p", "note", "One thing grows from left to right, in even factors; a flat line is a cost that stays the same."));
  for (const chart of charts) block.append(figure(chart));
  return [block];
}

function figure(chart) {
  const title = element("figcaption", "", element("strong", "", chart.title), `: ${chart.unit}`);
  if (chart.quick) title.append(" (a quick look, no comparison)");
  const legend = element("ul", "legend", ...chart.lines.map((line, index) => element("li", `series-${index % 6}`, line.server)));
  const place = element("div", "chart");
  // Drawn for the width that there is: scaled, its text would be too small on a narrow screen.
  new ResizeObserver(() => place.replaceChildren(picture(chart, Math.max(place.clientWidth, 200)))).observe(place);
  return element("figure", "", title, place, legend, figures(chart));
}

function picture({ title, unit, lines }, width) {
  const points = lines.flatMap((line) => line.points);
  const values = [...new Set(points.map((point) => point.value))].sort((a, b) => a - b);
  const top = ceiling(Math.max(...points.map((point) => point.figure)));
  const logs = values.map((value) => Math.log(Math.max(value, 1)));
  const span = logs.at(-1) - logs[0];
  const x = (value) => LEFT + (span ? (Math.log(Math.max(value, 1)) - logs[0]) / span : 0.5) * (width - LEFT - RIGHT);
  const y = (amount) => HEIGHT - BOTTOM - (amount / top) * (HEIGHT - TOP - BOTTOM);
  const text = (content, attributes) => svg("text", attributes, content);

  const grid = [0, 0.5, 1].flatMap((share) => [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(top * share), y2: y(top * share) }),
    text(short(top * share), { x: LEFT - 8, y: y(top * share) + 4, "text-anchor": "end" }),
  ]);
  const some = values.filter((_, index) => index % Math.ceil((values.length * 60) / width) === 0);
  const ticks = some.map((value) => text(short(value), { x: x(value), y: HEIGHT - 6, "text-anchor": "middle" }));
  const curves = lines.map((line, index) => svg("g", { class: `series-${index % 6}` },
    svg("polyline", { points: line.points.map((point) => `${x(point.value).toFixed(1)},${y(point.figure).toFixed(1)}`).join(" ") }),
    ...line.points.map((point) => svg("circle", { cx: x(point.value), cy: y(point.figure), r: 3 }))));
  const label = `${title}: ${unit}, for ${lines.map((line) => line.server).join(", ")}. The figures are in the table below.`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, ...grid, ...ticks, ...curves);
}

function figures({ title, lines }) {
  const values = [...new Set(lines.flatMap((line) => line.points.map((point) => point.value)))].sort((a, b) => a - b);
  const cell = (kind, scope, className, content) => {
    const node = element(kind, className, content);
    if (scope) node.scope = scope;
    return node;
  };
  const head = element("tr", "", cell("th", "col", "", "Server"), ...values.map((value) => cell("th", "col", "number", number(value))));
  const rows = lines.map((line) => {
    const found = new Map(line.points.map((point) => [point.value, point.figure]));
    const cells = values.map((value) => cell("td", "", "number", found.has(value) ? number(found.get(value), 2) : "–"));
    return element("tr", "", cell("th", "row", "", line.server), ...cells);
  });
  const table = element("table", "", element("thead", "", head), element("tbody", "", ...rows));
  table.setAttribute("aria-label", title);
  const scroll = element("div", "scroll", table);
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", `${title}, figures`);
  return element("details", "", element("summary", "", "The figures"), scroll);
}

/** The next 1, 2 or 5 of its power of ten. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? power * 10;
}

function short(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}
