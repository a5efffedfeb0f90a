// The page of uploads: what was dropped or chosen, one line each, with its thumbnail once it is made.

import { element, number, say } from "/assets/dom.js";
import { Upload } from "/assets/scenarios/tus.js";

const KEPT = "hyperlane-uploads";
const list = document.getElementById("files");
const drop = document.getElementById("drop");
const choose = document.getElementById("choose");

/** What this browser has uploaded, or begun to: nobody else is shown it. */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

function remember(entries) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(entries.slice(-50)));
  } catch {
    // Without a memory the page works until it is closed.
  }
}

const forget = (url) => remember(remembered().filter((entry) => entry.url !== url));
const mark = (file) => `${file.name} ${file.size} ${file.lastModified}`;

function size(bytes) {
  return bytes < 1024 * 1024 ? `${number(bytes / 1024, 1)} KiB` : `${number(bytes / 1024 / 1024, 1)} MiB`;
}

/** One line of the list. */
class Line {
  constructor(name) {
    this.name = name;
    this.picture = element("div", "picture", "…");
    this.title = element("p", "name", name);
    this.bar = element("progress", "");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Upload of ${name}`);
    this.said = element("p", "said");
    this.sum = element("p", "sum");
    this.buttons = element("div", "buttons");
    this.node = element("li", "file", this.picture, this.title, this.bar, this.said, this.sum, this.buttons);
    list.prepend(this.node);
    document.getElementById("none").hidden = true;
  }

  say(text, failed = false) {
    this.said.textContent = text;
    this.said.classList.toggle("failed", failed);
  }

  button(text, work) {
    const button = element("button", "small", text);
    button.type = "button";
    button.setAttribute("aria-label", `${text} ${this.name}`);
    button.addEventListener("click", work);
    this.buttons.append(button);
    return button;
  }

  remove() {
    this.node.remove();
    document.getElementById("none").hidden = list.childElementCount > 0;
    choose.focus();
  }
}

/** Uploads a file, from where it stopped if it was begun before. */
function begin(file) {
  const known = remembered().find((entry) => entry.mark === mark(file) && !entry.done);
  const line = new Line(file.name);
  const begun = performance.now();
  let paused = false;
  const upload = new Upload(file, known?.url, {
    begun: (url) => remember([...remembered(), { url, mark: mark(file), name: file.name, done: false }]),
    progress: (bytes) => {
      line.bar.value = file.size ? bytes / file.size : 1;
      if (!paused) line.say(`${size(bytes)} of ${size(file.size)}`);
    },
    waiting: (seconds) => line.say(`The connection broke off. It goes on in ${number(seconds, 1)} s.`),
    done: () => {
      remember(remembered().map((entry) => (entry.url === upload.url ? { ...entry, done: true } : entry)));
      line.node.remove();
      show(upload.url, file.name, performance.now() - begun);
    },
    failed: (reason) => {
      line.say(reason, true);
      line.picture.textContent = "failed";
      line.bar.hidden = true;
      pause.hidden = true;
      if (upload.url) forget(upload.url);
      say("uploads", `${file.name} was not uploaded. ${reason}`, true);
    },
  });
  const pause = line.button("Pause", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-label", `${pause.textContent} ${file.name}`);
    if (paused) {
      upload.pause();
      line.say(`Paused at ${size(upload.sent ?? 0)} of ${size(file.size)}`);
    } else {
      upload.start();
    }
  });
  line.button("Remove", async () => {
    await upload.remove();
    if (upload.url) forget(upload.url);
    line.remove();
  });
  line.say(known ? "It goes on where it stopped." : "It begins.");
  upload.start();
}

/** Shows what was uploaded whole, and how its thumbnail comes. */
async function show(url, name, took = null) {
  const path = `/uploads/${url.split("/").pop()}`;
  const response = await fetch(path, { cache: "no-store" }).catch(() => null);
  if (response?.status === 404) {
    forget(url);
    return;
  }
  if (!response?.ok) return;
  const image = await response.json();
  const line = new Line(name);
  line.bar.value = 1;
  const speed = took === null ? "" : ` in ${number(took / 1000, 1)} s`;
  const about = `${size(image.bytes)} · ${image.content_type}${speed}`;
  line.sum.append("SHA-256 ", element("code", "", image.sha256));
  line.button("Remove", async () => {
    await new Upload(null, url, {}).remove();
    forget(url);
    line.remove();
  });
  const ready = () => {
    line.bar.hidden = true;
    line.say(about);
    const picture = element("img", "");
    picture.src = `${path}/thumbnail`;
    picture.alt = `Thumbnail of ${name}`;
    line.picture.replaceChildren(picture);
    if (took !== null) say("uploads", `${name} is uploaded, and its thumbnail is there.`);
  };
  if (image.has_thumbnail) {
    ready();
    return;
  }
  line.bar.value = 0;
  line.bar.setAttribute("aria-label", `Thumbnail of ${name}`);
  line.say(`${about} · its thumbnail is made`);
  const events = new EventSource(`${path}/progress`);
  events.onmessage = ({ data }) => {
    const progress = JSON.parse(data);
    if (progress.state === "running") line.bar.value = progress.percent / 100;
    if (progress.state === "done") ready();
    if (progress.state === "failed" || progress.state === "cancelled") {
      line.bar.hidden = true;
      line.picture.textContent = "no picture";
      line.say(`${about} · ${progress.reason ?? "its thumbnail was given up"}`, true);
    }
    if (!["queued", "running"].includes(progress.state)) events.close();
  };
}

function take(files) {
  for (const file of files) begin(file);
}

choose.addEventListener("change", () => {
  take(choose.files);
  choose.value = "";
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
});
// A file that misses its place would replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

for (const { url, name, done } of remembered()) {
  if (done) show(url, name);
}
const broken = remembered().filter((entry) => !entry.done);
if (broken.length) {
  say("uploads", `Choose ${broken.map((entry) => entry.name).join(", ")} again, and it goes on where it stopped.`);
}
