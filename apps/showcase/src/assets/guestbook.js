// The guest book: two forms, what the server remembers, and its mistakes beside the fields that they are about.

import { Refusal, ask, element, number, say, showResponse } from "./dom.js";

const byId = (id) => document.getElementById(id);

/** Loads what the server knows, and takes over the forms. */
export function setUpGuestBook() {
  onSubmit("visitor-form", async (form) => {
    const visitor = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    greet(visitor);
    await listNotes();
    return `The server will know you as ${visitor.name}, also after a reload.`;
  });
  onSubmit("note-form", async (form) => {
    const text = form.elements.text.value;
    const headers = { "content-type": "application/json" };
    const note = await ask(form.dataset.path, { method: "POST", headers, body: JSON.stringify({ text }) });
    form.reset();
    await listNotes();
    return `Your note is number ${number(note.id)}.`;
  });
  byId("forget").addEventListener("click", () => perform(async () => {
    await ask("/visitor", { method: "DELETE" });
    byId("visitor-form").reset();
    greet({ name: null });
    await listNotes();
    return "The server has forgotten you.";
  }));
  perform(async () => {
    greet(await ask("/visitor"));
    await listNotes();
    return "";
  });
}

function greet({ name }) {
  byId("greeting").textContent = name ? `Hello, ${name}.` : "You have not said your name yet.";
  byId("forget").hidden = !name;
  if (name) byId("visitor-name").value = name;
}

async function listNotes() {
  const notes = await ask("/notes?limit=5");
  const list = byId("notes");
  list.replaceChildren(...notes.map(item));
  byId("no-notes").hidden = notes.length > 0;
  showResponse(byId("guestbook-panel"), notes);
}

function item(note) {
  const link = element("a", "", `Note ${number(note.id)}`);
  link.href = note.url;
  const when = element("time", "", new Date(note.written_ms).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }));
  when.dateTime = new Date(note.written_ms).toISOString();
  const line = element("p", "note-line", element("strong", "", note.author), " · ", when, " · ", link);
  const entry = element("li", "", element("p", "", note.text), line);
  if (note.own) {
    const remove = element("button", "small", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove note ${number(note.id)}`);
    remove.addEventListener("click", () => perform(async () => {
      await ask(note.url, { method: "DELETE" });
      await listNotes();
      // The button is gone with its note: the keyboard goes on from the field for the next one.
      byId("note-text").focus();
      return `Note ${number(note.id)} is removed.`;
    }));
    entry.append(remove);
  }
  return entry;
}

/** Sends a form without leaving the page; what the server says of a field stands beside it. */
function onSubmit(id, send) {
  const form = byId(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const input of form.elements) mark(input, "");
    perform(() => send(form), (refusal) => {
      const fields = refusal.errors.map(({ field, detail }) => [form.elements[field], detail]).filter(([input]) => input);
      for (const [input, detail] of fields) mark(input, detail);
      fields[0]?.[0].focus();
    });
  });
}

/** Shows what is wrong with a field; nothing takes it back. */
function mark(input, mistake) {
  const text = input.id && byId(`${input.id}-mistake`);
  if (!text) return;
  text.textContent = mistake;
  if (mistake) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Runs `work` and says what it returns, or why it failed. */
async function perform(work, onRefusal = () => {}) {
  const panel = byId("guestbook-panel");
  panel.setAttribute("aria-busy", "true");
  try {
    say("guestbook", await work());
  } catch (error) {
    say("guestbook", error.message, true);
    if (error instanceof Refusal) onRefusal(error);
  } finally {
    panel.removeAttribute("aria-busy");
  }
}
