// On pages that are not the board: an alarm that nobody has taken is said here too, in words, in the title and by its sound.

import { alarm, tryQuietly } from "./alarm_tone.js";
import { word } from "./say.js";
import { flash } from "./title.js";

const EVERY_MS = 3000;
const place = document.getElementById("alarm");

async function look() {
  let untaken = 0;
  try {
    const answer = await fetch("/phan/bao", { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) return;
    ({ untaken } = await answer.json());
  } catch {
    return;
  }
  flash(untaken);
  alarm(untaken);
  place.hidden = !untaken;
  const text = untaken ? `${word("untaken")} (${untaken}): ${word("toBoard")}` : "";
  const link = place.firstElementChild;
  if (link.textContent !== text) link.textContent = text;
}

if (place) {
  tryQuietly();
  look();
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
}
