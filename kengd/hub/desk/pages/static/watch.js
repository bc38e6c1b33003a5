// On pages that are not the board: an alarm that nobody has taken is said here too, in words, in the title and by its sound. Pages
// that hear no news of their own learn here as well that the line is lost.

import { alarm, audible, tryQuietly, unlock, whenChanged } from "./alarm_tone.js";
import { listens, poll } from "./live.js";
import { word } from "./say.js";
import { flash } from "./title.js";

const EVERY_MS = 2000;
const ASK = "/phan/bao";
const place = document.getElementById("alarm");
const link = place?.querySelector("a");
const sound = place?.querySelector("button");
let untaken = 0;

function show() {
  flash(untaken);
  alarm(untaken);
  place.hidden = !untaken;
  const text = untaken ? `${word("untaken")} (${untaken}): ${word("toBoard")}` : "";
  if (link.textContent !== text) link.textContent = text;
}

function told(data) {
  untaken = data.untaken;
  show();
}

async function ask() {
  try {
    const answer = await fetch(ASK, { cache: "no-store", credentials: "same-origin" });
    if (answer.ok) told(await answer.json());
  } catch { /* the page's own news say that the line is lost */ }
}

function begin() {
  whenChanged(() => { sound.hidden = audible(); });
  sound.addEventListener("click", unlock);
  tryQuietly();
  if (!listens()) return poll(ASK, EVERY_MS, told, true);
  ask();
  setInterval(ask, EVERY_MS);
  return document.addEventListener("visibilitychange", ask);
}

// after the page's own modules, which listen or do not
if (place) addEventListener("DOMContentLoaded", begin);
