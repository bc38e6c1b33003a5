// The board: parts of it are fetched anew when something changes, each at most a few times a second.

import "./desk.js";
import "./clear.js";
import { age, clockTime, listen, serverNow } from "./live.js";
import { drawBlows } from "./bell.js";
import { part, show, wire } from "./part.js";
import { choose, sift } from "./board.js";
import { alarm, drawSwitch, mute, muted, tryQuietly, unlock, whenChanged } from "./alarm_tone.js";
import { openShift } from "./shift.js";
import { flash } from "./title.js";

const SOON_MS = 120;
const upper = document.getElementById("upper");
const posts = document.getElementById("posts");
const sound = document.getElementById("sound");
const quiet = document.getElementById("mute");
const ears = document.getElementById("ears");
const MUTE_MS = 120_000;

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
  flash(untaken);
  alarm(untaken);
  sift(posts);
}

// Whether this page can be heard is always to be seen; locked (a browser locks it at each reload) it is red.
function showSound() {
  const untaken = Number(upper.firstElementChild?.dataset.untaken ?? 0);
  const state = drawSwitch(sound, true);
  quiet.hidden = !(state === "on" && untaken);
  ears.classList.toggle("calm", state === "on" && !untaken);
}
sound.addEventListener("click", () => { if (muted()) mute(0); else unlock(); });
quiet.addEventListener("click", () => mute(MUTE_MS));
whenChanged(showSound);
setInterval(showSound, 1000);
tryQuietly();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-shift]");
  if (!button) return;
  unlock();
  openShift(document.getElementById("shift"), button.dataset.shift).catch(refreshTop);
});

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
choose(posts);
after();
drawBlows();
