// A title that cannot be overlooked among many tabs.

import { word } from "./say.js";

const own = document.title;
let count = 0;
let timer = 0;
let full = true;

function write() {
  document.title = count ? `${full ? "●" : "○"} ${word("untaken")} (${count}) – ${own}` : own;
  full = !full;
}

/** Flash as long as there is an alarm that nobody has taken. */
export function flash(untaken) {
  if (untaken === count) return;
  count = untaken;
  full = true;
  clearInterval(timer);
  timer = count ? setInterval(write, 1000) : 0;
  write();
}
