// The plan: a point that is touched says what it does; several that are chosen are the order's. Live, like the board.

import "./desk.js";
import { age, clockTime, listen, serverNow } from "./live.js";
import { drawBlows } from "./bell.js";
import { part } from "./part.js";

const SOON_MS = 150, WIDER = [1, 2, 4];
const plan = document.getElementById("plan");
const lines = document.getElementById("lines");
const here = document.getElementById("here");
const several = document.getElementById("several");
const picked = document.getElementById("picked");
const editing = plan.dataset.editing === "1";
const chosen = new Set([...lines.querySelectorAll("input:checked")].map((box) => box.value));
let shown = null;
let wider = 0;
let wanted = new Set();
let all = false;
let timer = 0;
let busy = false;

const lineOf = (id) => document.getElementById(`dong-${id}`);

/** Ticks, rings around points and the count, from what is chosen. */
function mark() {
  for (const box of lines.querySelectorAll("input[name=post]")) box.checked = chosen.has(box.value);
  for (const link of plan.querySelectorAll("[data-spot]")) {
    link.parentNode.classList.toggle("picked", chosen.has(link.dataset.spot));
  }
  picked.textContent = chosen.size ? `${picked.dataset.some}: ${chosen.size}` : "";
}

function choose(id, on) {
  if (lineOf(id)?.querySelector("input")?.disabled) return;
  if (on) chosen.add(id); else chosen.delete(id);
  mark();
}

/** What this post does, under the plan: the same as its line in the list. */
function tell(id) {
  shown = id;
  const line = lineOf(id);
  here.classList.toggle("hidden", !line);
  if (!line) return;
  here.className = `${line.className} live`;
  here.replaceChildren(...[...line.childNodes].map((child) => child.cloneNode(true)));
  const box = here.querySelector("input");
  box.removeAttribute("name");
  box.checked = chosen.has(id);
}

here.addEventListener("change", (event) => choose(event.target.value, event.target.checked));
lines.addEventListener("change", (event) => choose(event.target.value, event.target.checked));
several?.addEventListener("click", () => {
  several.setAttribute("aria-pressed", String(several.getAttribute("aria-pressed") !== "true"));
});
plan.addEventListener("click", (event) => {
  const link = event.target.closest("[data-spot]");
  if (editing || !link) return;
  event.preventDefault();
  const id = link.dataset.spot;
  if (several?.getAttribute("aria-pressed") === "true") choose(id, !chosen.has(id));
  tell(id);
  here.scrollIntoView({ block: "nearest" });
});

function zoom(step) {
  const room = plan.parentNode;
  const x = (room.scrollLeft + room.clientWidth / 2) / plan.clientWidth, y = (room.scrollTop + room.clientHeight / 2) / plan.clientHeight;
  wider = Math.min(WIDER.length - 1, Math.max(0, wider + step));
  plan.className = `plan x${WIDER[wider]}`;
  room.scrollTo(x * plan.clientWidth - room.clientWidth / 2, y * plan.clientHeight - room.clientHeight / 2);
}
document.getElementById("closer").addEventListener("click", () => zoom(1));
document.getElementById("farther").addEventListener("click", () => zoom(-1));

// ---- live

function soon() {
  if (!timer && !busy) timer = setTimeout(refresh, SOON_MS);
}

async function refresh() {
  timer = 0;
  busy = true;
  const whole = all || wanted.size > 40;
  const query = whole ? "" : `?${[...wanted].map((id) => `id=${encodeURIComponent(id)}`).join("&")}`;
  wanted = new Set();
  all = false;
  try {
    const box = document.createElement("template");
    box.innerHTML = await part(`/phan/ban-do${query}`);
    const found = box.content.firstElementChild;
    if (found.dataset.frame !== plan.dataset.frame && !editing) return location.reload();
    for (const one of found.querySelectorAll("svg[id], li[id]")) {
      const focused = document.activeElement;
      const old = document.getElementById(one.id);
      const kept = old?.contains(focused) ? focused.tagName : "";
      old?.replaceWith(one);
      if (one.classList.contains("rings") && one.matches("svg")) document.getElementById("spots").append(one);
      if (kept) one.querySelector(kept)?.focus();
    }
  } catch {
    all = true;
    await new Promise((done) => setTimeout(done, 1000));
  }
  busy = false;
  mark();
  if (shown && !here.contains(document.activeElement)) tell(shown);
  age(lines);
  age(here);
  if (all || wanted.size) soon();
  return undefined;
}

listen(`/api/live?after=${document.body.dataset.place}`, (topic, data) => {
  if (topic === "heartbeat") {
    document.getElementById("line").textContent = clockTime(serverNow());
    return;
  }
  if (topic === "signed_out") {
    location.assign("/vao");
    return;
  }
  if (topic === "post") wanted.add(data.post);
  else if (topic === "entry") for (const post of data.posts) wanted.add(post);
  else if (topic === "reset" || topic === "hub") all = true;
  else return;
  soon();
});
drawBlows();
mark();
