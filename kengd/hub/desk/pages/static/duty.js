// The board: parts of it are fetched anew when something changes, each at most a few times a second.

import "./desk.js";
import { age, clockTime, listen, serverNow } from "./live.js";
import { drawBlows } from "./bell.js";
import { part, show, wire } from "./part.js";
import { alarm, audible, unlock } from "./sound.js";
import { word } from "./say.js";

const SOON_MS = 120;
const upper = document.getElementById("upper");
const posts = document.getElementById("posts");
const sound = document.getElementById("sound");
const title = document.title;

let wanted = new Set();
let all = false;
let top = false;
let timer = 0;
let busy = false;

function soon() {
  if (!timer && !busy) timer = setTimeout(refresh, SOON_MS);
}

async function refresh() {
  timer = 0;
  busy = true;
  const ids = [...wanted], whole = all || wanted.size > 40, upperToo = top;
  wanted = new Set();
  all = top = false;
  try {
    if ((upperToo || whole) && !show(upper, await part("/phan/tren"), refreshTop)) top = true;
    if (whole) show(posts, await part("/phan/diem"), refreshTop);
    else if (ids.length) replace(await part(`/phan/diem?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`));
  } catch {
    all = true;
    setTimeout(soon, 1000);
  }
  after();
  busy = false;
  if (wanted.size || all || top) soon();
}

function replace(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  for (const card of box.content.querySelectorAll("[id]")) document.getElementById(card.id)?.replaceWith(card);
  age(posts);
}

function refreshTop() {
  top = true;
  soon();
}

/** Title, sound and what is shown, after whatever has changed. */
function after() {
  const untaken = Number(upper.firstElementChild?.dataset.untaken ?? 0);
  document.title = untaken ? `● ${word("untaken")} (${untaken}) – ${title}` : title;
  alarm(untaken > 0);
  filter();
}

function filter() {
  const find = (document.getElementById("find")?.value ?? "").trim().toLowerCase();
  const only = document.getElementById("only").checked;
  let shown = 0;
  for (const card of posts.querySelectorAll(".card")) {
    const fits = card.dataset.find.includes(find) && !(only && card.dataset.looks === "ready");
    card.hidden = !fits;
    shown += fits;
  }
  document.getElementById("count").textContent = shown;
}

document.getElementById("find")?.addEventListener("input", filter);
document.getElementById("only").addEventListener("change", filter);
sound.addEventListener("click", async () => {
  const on = await unlock();
  sound.setAttribute("aria-pressed", String(on));
  sound.textContent = on ? sound.dataset.on : sound.dataset.off;
  alarm(false);
  after();
});
setInterval(() => {
  if (sound.getAttribute("aria-pressed") === "true" && !audible()) {
    sound.setAttribute("aria-pressed", "false");
    sound.textContent = sound.dataset.off;
  }
}, 1000);

listen(`/api/live?after=${document.body.dataset.place}`, (topic, data) => {
  if (topic === "heartbeat") {
    document.getElementById("line").textContent = clockTime(serverNow());
    return;
  }
  if (topic === "signed_out") return location.assign("/vao");
  if (topic === "reset") all = top = true;
  else if (topic === "post") wanted.add(data.post);
  else if (topic === "entry") {
    top = true;
    for (const post of data.posts) wanted.add(post);
  } else top = true;
  soon();
});
wire(document, refreshTop);
after();
drawBlows();
