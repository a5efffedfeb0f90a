// The chat: one socket, which comes back by itself with the id of the last message, so that nothing is missed or doubled.

import { ask, element } from "/assets/dom.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
/** Lines that the page keeps. */
const LINES = 500;

const find = (id) => document.getElementById(id);
const said = find("said");

/** Of this tab: two tabs are two visitors, and a tab that is loaded anew is the same. */
const id = remembered("chat-id", () => crypto.randomUUID?.() ?? `${Math.random()}`.slice(2).padEnd(16, "0"));
let name = remembered("chat-name", () => "");
let room = null;
let socket = null;
let last = null;
let pause = FIRST_PAUSE;
let timer = null;
const present = new Map();

find("name").value = name;
listRooms();

find("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  name = find("name").value.trim();
  if (!name) return;
  sessionStorage.setItem("chat-name", name);
  room = new FormData(event.target).get("room");
  last = null;
  said.replaceChildren();
  find("room-name").textContent = room;
  find("entrance").hidden = true;
  find("room").hidden = false;
  connect();
  find("text").focus();
});

find("leave").addEventListener("click", () => {
  room = null;
  clearTimeout(timer);
  socket?.close(1000);
  find("room").hidden = true;
  find("entrance").hidden = false;
  listRooms();
  find("name").focus();
});

find("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("text");
  const text = field.value.trim();
  if (!text) return;
  if (socket?.readyState !== WebSocket.OPEN) {
    connection("Not connected: your message is kept until you are.", "gone");
    return;
  }
  socket.send(text);
  field.value = "";
});

// A browser says so long before a socket does.
window.addEventListener("offline", () => {
  if (room === null) return;
  const old = socket;
  socket = null;
  old?.close();
  comeBack();
});
window.addEventListener("online", () => {
  if (room !== null && socket?.readyState !== WebSocket.OPEN) connect();
});

/** Opens the socket, behind what this tab has seen. */
function connect() {
  clearTimeout(timer);
  connection(last ? "Coming back…" : "Connecting…");
  const query = new URLSearchParams({ room, id, name });
  if (last) query.set("since", last);
  const own = new WebSocket(`${location.origin.replace("http", "ws")}/chat/socket?${query}`);
  socket = own;
  own.addEventListener("message", (event) => {
    if (own === socket) hear(JSON.parse(event.data));
  });
  own.addEventListener("close", () => {
    if (own === socket && room !== null) comeBack();
  });
}

function comeBack() {
  clearTimeout(timer);
  // Not all at once, should a server come back to a thousand of them.
  const wait = pause * (0.5 + Math.random() / 2);
  connection(`The connection is lost. Trying again in ${Math.ceil(wait / 1000)} s.`, "gone");
  timer = setTimeout(connect, wait);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

/** What the server tells; its kinds are those of a hub's deliveries. */
function hear(delivery) {
  if (delivery.id) last = delivery.id;
  switch (delivery.type) {
    case "joined":
      pause = FIRST_PAUSE;
      present.clear();
      for (const { id: who, meta } of delivery.members) present.set(who, meta?.name ?? who);
      showPresent();
      connection("Connected", "there");
      if (delivery.missed) tell("Some of what was said meanwhile is gone.", "warning");
      break;
    case "message":
      show(delivery);
      break;
    case "join":
      present.set(delivery.member, delivery.meta?.name ?? delivery.member);
      showPresent();
      tell(`${present.get(delivery.member)} came in.`, "event");
      break;
    case "leave":
      tell(`${present.get(delivery.member) ?? "Somebody"} left.`, "event");
      present.delete(delivery.member);
      showPresent();
      break;
    case "missed":
      tell(`${delivery.count ?? "Some"} messages were too many for this connection.`, "warning");
      break;
    case "offline":
      tell("The other servers can't be reached: only visitors of this one hear you.", "warning");
      break;
    case "online":
      tell("The other servers are back.", "event");
      break;
  }
}

function show({ from, at, data }) {
  const time = element("time", "", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = new Date(at).toISOString();
  const head = element("div", "", element("strong", "", data.name), time);
  add(element("li", from === id ? "own" : "", head, element("p", "", data.text)));
}

function tell(text, kind) {
  add(element("li", kind, text));
}

/** Adds a line, and stays at the end if that was in sight. */
function add(line) {
  const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 60;
  said.append(line);
  while (said.childElementCount > LINES) said.firstElementChild.remove();
  if (atEnd) said.scrollTop = said.scrollHeight;
}

function showPresent() {
  const names = [...present].map(([who, text]) => (who === id ? `${text} (you)` : text));
  names.sort((a, b) => a.localeCompare(b));
  find("present").replaceChildren(...names.map((text) => element("li", "", text)));
}

function connection(text, kind = "") {
  const status = find("connection");
  status.textContent = text;
  status.className = `connection ${kind}`;
}

async function listRooms() {
  const status = find("entrance-status");
  try {
    const rooms = await ask("/chat/rooms");
    const chosen = document.querySelector("[name=room]:checked")?.value ?? rooms[0].name;
    const choices = rooms.map(({ name: text, members }) => {
      const input = element("input", "");
      Object.assign(input, { type: "radio", name: "room", value: text, checked: text === chosen });
      return element("label", "", input, element("span", "", text), element("small", "", members ? `${members} here` : "empty"));
    });
    find("rooms").replaceChildren(find("rooms").querySelector("legend"), ...choices);
    status.textContent = "";
  } catch (error) {
    status.textContent = error.message;
  }
}

function remembered(key, make) {
  const value = sessionStorage.getItem(key) ?? make();
  sessionStorage.setItem(key, value);
  return value;
}
