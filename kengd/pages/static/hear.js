// A score drawn whole on a line of seconds, and heard: the play-head goes along while it sounds.

import { spans } from "./bell.js";
import { heardMs, play } from "./sound.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 54;
const LONGEST_BLOW_MS = 500;
const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120];

function make(name, facts) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(facts)) one.setAttribute(key, value);
  return one;
}

/** Rows so long that single blows stay apart, at most four. */
function layout(score, width) {
  const until = Math.max(heardMs(score), 1000);
  const starts = spans(score, 0, until).map(([on]) => on);
  let closest = until;
  for (let n = 1; n < starts.length; n += 1) closest = Math.min(closest, starts[n] - starts[n - 1]);
  const fits = Math.max(4000, (closest * width) / 5);
  const rows = Math.min(4, Math.max(1, Math.ceil(until / fits)));
  return { until, rows, row: Math.ceil(until / rows / 1000) * 1000 };
}

/** Draw `score` into this svg, as wide as it is. */
export function drawScore(svg, score) {
  const width = Math.max(260, svg.clientWidth || svg.parentElement.clientWidth || 320);
  const { until, rows, row } = layout(score, width);
  const x = (ms) => 4 + ((ms % row) / row) * (width - 24);
  svg.setAttribute("viewBox", `0 0 ${width} ${rows * ROW}`);
  svg.setAttribute("height", rows * ROW);
  const parts = [];
  const step = STEPS_S.find((one) => (one * 1000 * width) / row > 42) ?? 120;
  for (let n = 0; n < rows; n += 1) {
    const base = n * ROW + 36;
    parts.push(make("path", { d: `M4 ${base}H${width - 8}`, stroke: "currentColor", "stroke-width": 1.5, class: "soft" }));
    for (let s = Math.ceil((n * row) / 1000 / step) * step; s * 1000 < (n + 1) * row; s += step) {
      const label = make("text", { x: x(s * 1000), y: base + 15, class: "soft", "font-size": 12, fill: "currentColor" });
      label.textContent = s;
      parts.push(label);
    }
  }
  for (const [on, off] of spans(score, 0, until)) {
    const end = Math.min(off, until);
    if (end - on <= LONGEST_BLOW_MS) {
      const [left, base] = [x(on), Math.floor(on / row) * ROW + 36];
      parts.push(make("path", { d: `M${left.toFixed(1)} ${base}V${base - 22}`, stroke: "currentColor", "stroke-width": 2 }));
      parts.push(make("circle", { cx: left.toFixed(1), cy: base - 25, r: 3.4, fill: "currentColor" }));
      continue;
    }
    for (let from = on; from < end;) {
      const n = Math.floor(from / row);
      const to = Math.min(end, (n + 1) * row);
      const wide = ((to - from) / row) * (width - 24);
      parts.push(make("rect", { x: x(from).toFixed(1), y: n * ROW + 10, width: Math.max(2, wide).toFixed(1), height: 26, fill: "currentColor" }));
      from = to;
    }
  }
  if (score.cycle_ms) {
    const base = (rows - 1) * ROW + 36;
    parts.push(make("path", { d: `M${width - 16} ${base - 7}l12 7l-12 7z`, fill: "currentColor" }));
  }
  const head = make("path", { class: "head", "stroke-width": 3, visibility: "hidden" });
  svg.replaceChildren(...parts, head);
  svg.moveHead = (ms) => {
    const n = Math.min(rows - 1, Math.floor(ms / row));
    head.setAttribute("d", `M${x(ms).toFixed(1)} ${n * ROW + 2}V${n * ROW + 42}`);
    head.setAttribute("visibility", "visible");
  };
  svg.hideHead = () => head.setAttribute("visibility", "hidden");
}

/** Show a score in this place (`.hear`): its line, and a button that plays and stops it. */
export function showScore(place, score, bell) {
  place.score = score;
  place.bell = bell;
  place.hidden = false;
  drawScore(place.querySelector("svg.line"), score);
}

/** The button of such a place; once for each. Its data say how many blows it has played: for whoever cannot hear. */
export function wireHear(place) {
  const button = place.querySelector("button.play");
  const svg = place.querySelector("svg.line");
  if (place.dataset.score) showScore(place, JSON.parse(place.dataset.score), place.dataset.bell);
  new ResizeObserver(() => { if (place.score && !place.hidden) drawScore(svg, place.score); }).observe(place);
  let stop = null;
  button.addEventListener("click", async () => {
    if (stop) return stop();
    button.dataset.blows = 0;
    stop = await play(place.score, place.bell, spans, {
      at: (ms) => svg.moveHead(ms),
      blow: () => { button.dataset.blows = Number(button.dataset.blows) + 1; },
      end: () => {
        stop = null;
        svg.hideHead();
        button.textContent = button.dataset.play;
        button.removeAttribute("aria-pressed");
      },
    });
    button.textContent = button.dataset.stop;
    button.setAttribute("aria-pressed", "true");
    return undefined;
  });
}

for (const place of document.querySelectorAll(".hear")) wireHear(place);
