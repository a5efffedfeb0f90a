// The page: one handler for each button. Every number that it shows comes out of a response.

import { ask, element, figures, milliseconds, number, onPress, say, showResponse } from "./dom.js";
import { setUpGuestBook } from "./guestbook.js";
import { performanceBlocks } from "./performance.js";
import { scenarioBlocks } from "./scenarios.js";
import { setUpStream } from "./stream.js";
import { addRun, answers, draw, verdict } from "./timeline.js";

setUpTheme();
setUpStream();
setUpGuestBook();
draw();
new ResizeObserver(draw).observe(document.getElementById("timeline"));

onPress("run-sync", "sources-panel", "sources", () => runSources("/sync-data"));
onPress("run-async", "sources-panel", "sources", () => runSources("/async-data"));
onPress("run-both", "sources-panel", "both", async () => {
  await runSources("/sync-data");
  await runSources("/async-data");
  say("both", verdict());
  document.getElementById("sources").scrollIntoView();
});

async function runSources(path) {
  const response = await ask(path);
  addRun(response);
  const panel = document.getElementById("sources-panel");
  const mode = response.execution_mode === "concurrent" ? "All at once" : "One after another";
  say("sources", `${mode}: ${milliseconds(response.total_time_ms)}.`);
  const sentence = document.getElementById("sources-verdict");
  sentence.textContent = verdict();
  sentence.hidden = !sentence.textContent;
  const table = document.getElementById("sources-answers");
  table.replaceChildren(answers(response));
  table.hidden = false;
  showResponse(panel, response);
}

/** A demo that asks once and shows nodes made from the answer; `summary` is said aloud. */
function demo(button, name, path, nodes, summary) {
  onPress(button, `${name}-panel`, name, async (panel) => {
    const response = await ask(path);
    panel.querySelector(".empty").hidden = true;
    const output = panel.querySelector(".output");
    output.replaceChildren(...nodes(response));
    output.hidden = false;
    showResponse(panel, response);
    say(name, summary(response));
  });
}

demo("run-concurrent", "tasks", "/concurrent-ops", (report) => {
  const grid = element("div", "grid-of-tasks");
  grid.setAttribute("aria-hidden", "true");
  for (let task = 0; task < report.tasks_created; task += 1) {
    grid.append(element("span", task < report.successful_tasks ? "done" : ""));
  }
  return [grid, figures([
    ["Tasks", number(report.tasks_created)],
    ["Succeeded", number(report.successful_tasks)],
    ["Time in all", milliseconds(report.total_time_ms)],
    ["Time per task", milliseconds(report.average_time_per_task_ms)],
    ["Efficiency", `${number(report.concurrency_efficiency, 1)}%`],
  ])];
}, (report) => `${number(report.successful_tasks)} of ${number(report.tasks_created)} tasks succeeded in ${milliseconds(report.total_time_ms)}.`);

demo("run-errors", "failures", "/errors", (report) => {
  const body = element("tbody");
  for (const operation of report.operations) {
    const name = element("th", "", operation.operation);
    name.scope = "row";
    const outcome = operation.success
      ? element("td", "", operation.data)
      : element("td", "", element("strong", "", operation.error_type), operation.error_message);
    body.append(element("tr", "", name, outcome, element("td", "number", milliseconds(operation.elapsed_ms))));
  }
  const head = element("tr", "", element("th", "", "Operation"), element("th", "", "What came of it"), element("th", "number", "After"));
  for (const cell of head.children) cell.scope = "col";
  return [element("table", "failures", element("thead", "", head), body)];
}, (report) => `${number(report.failed_operations)} of ${number(report.total_operations)} operations failed, in ${number(report.error_types.length)} different ways, and the server answered.`);

demo("run-practices", "practices", "/best-practices", ({ practices, timeout_demo: outcome, timeout, performance_tips: tips }) => {
  const advice = element("dl", "advice");
  for (const [name, text] of Object.entries(practices)) {
    const title = name.replaceAll("_", " ");
    advice.append(element("div", "", element("dt", "", title.charAt(0).toUpperCase() + title.slice(1)), element("dd", "", text)));
  }
  return [
    element("p", "verdict", `${outcome}.`),
    figures([
      ["The operation takes", milliseconds(timeout.operation_ms)],
      ["It was given", milliseconds(timeout.limit_ms)],
      ["The handler went on after", milliseconds(timeout.elapsed_ms)],
    ]),
    element("h3", "", "Practices"),
    advice,
    element("h3", "", "Tips"),
    element("ul", "tips", ...tips.map((tip) => element("li", "", tip))),
  ];
}, ({ timeout_demo: outcome, timeout }) => `${outcome} after ${milliseconds(timeout.elapsed_ms)}.`);

demo("run-scenarios", "scenarios", "/scenarios", scenarioBlocks, (scenarios) => `${number(scenarios.length)} scenarios.`);

demo("run-performance", "performance", "/performance", performanceBlocks, (response) => {
  if (response.status === "measured") return `${number(response.comparison.length)} servers were measured.`;
  return response.status === "missing" ? "There is no measurement yet." : "The benchmark's file can't be used.";
});

/** The button in the header: the other theme than the one that is seen, remembered. */
function setUpTheme() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
  const other = () => (current() === "dark" ? "light" : "dark");
  const label = () => button.setAttribute("aria-label", `Switch to the ${other()} theme`);
  button.addEventListener("click", () => {
    const theme = other();
    document.documentElement.dataset.theme = theme;
    // The server reads it, and sends the page in these colours next time.
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    label();
  });
  system.addEventListener("change", label);
  label();
}
