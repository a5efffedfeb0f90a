// The four scenarios: what the article claims, what was measured here beside it, and the page to try each.

import { element, number } from "./dom.js";

/** The panel's content for a response of `/scenarios`. */
export function scenarioBlocks(scenarios) {
  return [element("div", "cards scenarios", ...scenarios.map(card))];
}

function card(scenario) {
  const { measured } = scenario;
  const link = element("a", "", "Try it");
  link.href = scenario.page;
  link.setAttribute("aria-label", `Try it: ${scenario.name}`);
  const figures = measured.headlines.length
    ? measured.headlines.map(comparison)
    : [element("p", `notice ${measured.status}`, sentence(measured.message))];
  return element("article", "",
    element("h3", "", scenario.name),
    element("p", "", `${scenario.description}. For example: ${lowerFirst(scenario.use_case)}.`),
    element("p", "gain", scenario.performance_gain),
    element("p", "", scenario.origin),
    ...figures,
    element("p", "try", link));
}

/** One figure of each side as bars, with what that means in words above. */
function comparison({ what, text, unit, plain, ours, quick, measured }) {
  const sides = [plain && { ...plain, kind: "" }, { ...ours, kind: "own" }].filter(Boolean);
  const most = Math.max(...sides.map((side) => side.figure));
  const list = element("ul", "bars");
  for (const { kind, how, figure, memory } of sides) {
    const fill = element("span", "fill");
    fill.style.width = `${most ? (figure / most) * 100 : 0}%`;
    const track = element("span", "track", fill);
    track.setAttribute("aria-hidden", "true");
    const room = memory ? ` · ${number(memory / 2 ** 20)} MiB` : "";
    list.append(element("li", kind, element("span", "", code(kind ? `Here: ${how}` : upperFirst(how))),
      element("span", "amount", `${number(figure, figure < 100 ? 1 : 0)} ${unit}${room}`), track));
  }
  const when = `${what}. Measured ${measured.split(" ")[0]}${quick ? ", a quick look and no comparison" : ""}.`;
  return element("div", "measured", element("h4", "", `Measured: ${text}`), element("p", "", when), list);
}

/** Names of crates are written in backquotes. */
function code(text) {
  return text.replaceAll("`", "");
}

function sentence(text) {
  return `${upperFirst(text)}.`;
}

function upperFirst(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lowerFirst(text) {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
