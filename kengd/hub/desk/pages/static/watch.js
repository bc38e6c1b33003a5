// On pages that are not the board: an alarm that nobody has taken is said here too, in words, in the title and by its sound. Pages
// that hear no news of their own learn here as well that the line is lost.

import { alarm, audible, drawSwitch, tryQuietly, unlock, wasOn, whenChanged } from "./alarm_tone.js";
import { listens, poll } from "./live.js";
import { word } from "./say.js";
import { flash } from "./title.js";

const EVERY_MS = 2000;
const ASK = "/phan/bao";
const place = document.getElementById("alarm");
const link = place?.querySelector("a");
const hear = place?.querySelector("button");
const sound = document.getElementById("sound");
let untaken = 0;

function show() {
  flash(untaken);
  alarm(untaken);
  place.hidden = !untaken;
  const text = untaken ? `${word("untaken")} (${untaken}): ${word("toBoard")}` : "";
  if (link.textContent !== text) link.textContent = text;
}

// Where somebody has wanted to hear alarms before, a page that is silent says so in red.
function showSound() {
  hear.hidden = audible();
  drawSwitch(sound, wasOn());
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
  whenChanged(showSound);
  for (const button of [hear, sound]) button.addEventListener("click", unlock);
  showSound();
  tryQuietly();
  if (!listens()) return poll(ASK, EVERY_MS, told, true);
  ask();
  setInterval(ask, EVERY_MS);
  return document.addEventListener("visibilitychange", ask);
}

// after the page's own modules, which listen or do not
if (place) addEventListener("DOMContentLoaded", begin);
