// A rhythm tapped with a finger or the space bar: from the first tap on, until nobody taps for three seconds or says that it is done.

import { tap } from "./sound.js";

const QUIET_MS = 3000;
const MOST = 300;

const dialog = document.getElementById("tap");
const pad = document.getElementById("pad");
const shown = document.getElementById("tapped");
const how = document.getElementById("tap-how");
let taps = [];
let down = null;
let first = 0;
let timer = 0;
let done = () => {};

function show() {
  shown.textContent = taps.length + (down === null ? 0 : 1) || shown.dataset.none;
}

function begin() {
  taps = [];
  down = null;
  clearTimeout(timer);
  show();
}

function press(at) {
  if (down !== null || taps.length >= MOST) return;
  clearTimeout(timer);
  if (!taps.length) first = at;
  down = Math.round(at - first);
  pad.classList.add("beaten");
  if (how.textContent === how.dataset.bell) tap();
  show();
}

function release(at) {
  if (down === null) return;
  const last = taps.at(-1)?.[1] ?? 0;
  down = Math.max(down, last);
  taps.push([down, Math.max(down + 1, Math.round(at - first))]);
  down = null;
  pad.classList.remove("beaten");
  timer = setTimeout(finish, QUIET_MS);
}

function finish() {
  clearTimeout(timer);
  if (down !== null) release(performance.now());
  clearTimeout(timer);
  const heard = taps;
  dialog.close();
  if (heard.length) done(heard);
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.isPrimary) return;
  pad.setPointerCapture?.(event.pointerId);
  press(event.timeStamp);
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) pad.addEventListener(kind, (event) => release(event.timeStamp));
pad.addEventListener("contextmenu", (event) => event.preventDefault());
pad.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  if (!event.repeat) press(event.timeStamp);
});
pad.addEventListener("keyup", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  release(event.timeStamp);
});
document.getElementById("tap-done").addEventListener("click", finish);
document.getElementById("tap-anew").addEventListener("click", () => { begin(); pad.focus(); });
document.getElementById("tap-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => clearTimeout(timer));

/** Ask for a rhythm; `then([[press, release], …])` in ms since the first tap. `siren`: the length of each press counts. */
export function record(siren, then) {
  done = then;
  how.textContent = siren ? how.dataset.siren : how.dataset.bell;
  begin();
  dialog.showModal();
  pad.focus();
}
