// The blows of a score on a moving line: what has been struck lies left of the middle, what comes right of it.

import { serverNow } from "./live.js";

const SPAN_MS = 8000;
const SVG = "http://www.w3.org/2000/svg";

/** Every blow of [lead, cycle, cycle, …] that lies in [from, to): pairs of ms since the beginning. */
export function spans(score, from, to) {
  const found = score.lead.filter(([on, off]) => off > from && on < to);
  if (score.cycle_ms) {
    const first = Math.max(0, Math.floor((from - score.lead_ms) / score.cycle_ms));
    for (let round = first; score.lead_ms + round * score.cycle_ms < to; round += 1) {
      const start = score.lead_ms + round * score.cycle_ms;
      for (const [on, off] of score.cycle) {
        if (start + off > from && start + on < to) found.push([start + on, start + off]);
      }
    }
  }
  return found;
}

function draw(svg) {
  const score = svg.score ??= JSON.parse(svg.dataset.score);
  const now = serverNow() - Number(svg.dataset.since);
  const from = now - SPAN_MS / 2;
  const marks = spans(score, from, from + SPAN_MS).map(([on, off]) => {
    const mark = document.createElementNS(SVG, "rect");
    const x = ((on - from) / SPAN_MS) * 320;
    mark.setAttribute("x", x.toFixed(1));
    mark.setAttribute("width", Math.max(2.5, ((off - on) / SPAN_MS) * 320).toFixed(1));
    mark.setAttribute("y", "6");
    mark.setAttribute("height", "28");
    mark.setAttribute("fill", "currentColor");
    if (on > now) mark.setAttribute("opacity", "0.3");
    return mark;
  });
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", "M160 0V40");
  line.setAttribute("stroke", "currentColor");
  svg.replaceChildren(...marks, line);
}

/** Draw all `svg.blows` of the page, as long as there are any and somebody looks. */
export function drawBlows() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const all = document.getElementsByClassName("blows");
  let last = 0;
  const frame = (at) => {
    const due = at - last > (still ? 1000 : 60);
    if (due) last = at;
    for (const svg of all) {
      // one that has just been fetched anew is never seen empty
      if (svg.dataset.score && (due || !svg.firstChild)) draw(svg);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
