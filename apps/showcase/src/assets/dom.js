// Small helpers: elements, numbers, and the one way a demo asks the server.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with a class and children; strings become text, never markup. */
export function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** An SVG element with attributes and children. */
export function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** A number as people read it, with at most `digits` after the point. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(value);
}

/** Milliseconds: whole ones from ten up, finer ones below. */
export function milliseconds(value) {
  return `${number(value, value < 10 ? 2 : 0)} ms`;
}

/** A list of figures: pairs of a name and a text; pairs without a text are left out. */
export function figures(pairs) {
  const list = element("dl", "figures");
  for (const [name, text] of pairs) {
    if (text !== null) list.append(element("div", "", element("dt", "", name), element("dd", "", text)));
  }
  return list;
}

/** Shows what a demo has to say, also to a screen reader. */
export function say(id, text, failed = false) {
  const status = document.getElementById(`${id}-status`);
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

/** What the server refused: its reason, and the fields that it is about (`application/problem+json`). */
export class Refusal extends Error {
  constructor(status, { source, detail, errors = [] }) {
    const about = errors.map(({ field, detail: mistake }) => `${field}: ${mistake}`).join("; ");
    const reason = [source, detail, about].filter(Boolean).join(": ");
    super(`The server answered ${status}${reason ? `: ${reason}` : "."}`);
    this.errors = errors;
  }
}

/** Asks the server for JSON; an answer that is no success is an error that carries its reason. */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Error("The server did not answer. Is it still running?");
  }
  if (response.status === 204) return null;
  if (response.ok) return response.json();
  const text = await response.text();
  let problem = { detail: text.slice(0, 300) };
  try {
    problem = JSON.parse(text);
  } catch {
    // No JSON: the text itself is the reason.
  }
  throw new Refusal(response.status, problem);
}

/** Opens the "response" part of a panel with what the server sent. */
export function showResponse(panel, value) {
  const details = panel.querySelector(":scope > details");
  details.querySelector("pre").textContent = JSON.stringify(value, null, 2);
  details.hidden = false;
}

/**
 * Runs `work` when the button is pressed, once at a time. The button stays focusable while it works,
 * so that the keyboard's place is not lost.
 */
export function onPress(buttonId, panelId, statusId, work) {
  const button = document.getElementById(buttonId);
  const panel = document.getElementById(panelId);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    panel.setAttribute("aria-busy", "true");
    say(statusId, "Waiting for the server…");
    try {
      await work(panel);
    } catch (error) {
      say(statusId, error.message, true);
    } finally {
      button.removeAttribute("aria-disabled");
      panel.removeAttribute("aria-busy");
    }
  });
}
