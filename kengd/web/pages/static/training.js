// Training: the drawn bell does what the simulated relay does, a quarter of a second later, in its rhythm.

import { holdToFire } from "./hold.js";
import { blow } from "./sound.js";
import { refusal } from "./send.js";
import { say, word } from "./say.js";

const LATER_MS = 250;
const bell = document.getElementById("bell");
const count = document.getElementById("count");
const sound = document.getElementById("sound");
const firstWord = count.textContent.replace(/\d+$/, "");
let context = null;
let tone = null;
let next = null;
let base = null;
let strokes = 0;

/** A siren's blast begins, and ends when the relay opens. */
function blast(at) {
  const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 320 });
  const gain = new GainNode(context, { gain: 0.12 });
  tone.frequency.setTargetAtTime(620, at, 0.5);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  return tone;
}

function sounds(on, after) {
  if (!context) return;
  const at = context.currentTime + after / 1000;
  if (bell.dataset.bell !== "siren") {
    if (on) blow(at, 0.6, context);
    return;
  }
  tone?.stop(at);
  tone = on ? blast(at) : null;
}

function strike() {
  strokes += 1;
  count.textContent = firstWord + strokes;
  bell.classList.remove("struck");
  bell.getBoundingClientRect();
  bell.classList.add("struck");
}

function take(edges) {
  for (const { t_ns, on } of edges) {
    const at = t_ns / 1e6;
    const now = performance.now();
    // the relay's clock against ours: the edge that came soonest says how far apart they are
    base = base === null ? now - at : Math.min(base, now - at);
    const after = Math.max(0, at + base + LATER_MS - now);
    if (on) setTimeout(strike, after);
    sounds(on, after);
  }
}

async function look() {
  try {
    const answer = await fetch(`/sim/edges?after=${next ?? 0}`, { cache: "no-store" });
    const data = await answer.json();
    if (next !== null) take(data.edges); // what was before this page is not played again
    next = data.next;
    document.documentElement.classList.remove("is-lost");
  } catch {
    document.getElementById("lost").textContent = word("noAnswer");
    document.documentElement.classList.add("is-lost");
  }
  setTimeout(look, 80);
}

async function press(button, holdMs) {
  const answer = await fetch("/sim/press", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ button, hold_ms: holdMs }),
  });
  if (!answer.ok) return say(refusal(await answer.json()), true);
  return say("");
}

for (const button of document.querySelectorAll("[data-press]")) {
  const { press: name } = button.dataset;
  if (name === "hush") button.addEventListener("click", () => press(name, 200));
  else holdToFire(button, () => press(name, 1_050), 1000);
}

// A post in line: what is pressed here is a real alarm at the hub.
document.getElementById("known")?.addEventListener("change", (event) => {
  document.querySelector("[data-press=alarm]").disabled = !event.target.checked;
});

sound.addEventListener("click", async () => {
  context ??= new AudioContext();
  await context.resume();
  sound.setAttribute("aria-pressed", "true");
  sound.textContent = sound.dataset.on;
});

look();
