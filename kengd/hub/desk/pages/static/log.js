// The log as it grows; it stands still while somebody marks a part of it.

import { age } from "./live.js";
import { part, show } from "./part.js";

const EVERY_MS = 5000;
const place = document.getElementById("log");

async function look() {
  if (document.visibilityState !== "visible" || !getSelection().isCollapsed) return;
  try {
    const scrolled = place.querySelector(".wide").scrollLeft;
    show(place, await part(place.dataset.url), look);
    place.querySelector(".wide").scrollLeft = scrolled;
  } catch {
    // the next look may be answered
  }
}

setInterval(look, EVERY_MS);
setInterval(age, 1000);
age();
