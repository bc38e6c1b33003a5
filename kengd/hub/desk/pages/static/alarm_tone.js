// The alarm's sound at the duty desk: a loop that needs no timer, so that a page in the background sounds as well.

import { blow } from "./sound.js";

const KEPT = "kengd-sound";
const ROUND_S = 2;
const WITHIN_MS = 500;

let context = null;
let round = null;
let playing = null;
let untaken = 0;
let mutedUntil = 0;
let told = () => {};

/** Whether sound comes out of this page. */
export function audible() {
  return context?.state === "running";
}

/** Whether somebody has asked for quiet for a while. */
export function muted() {
  return Date.now() < mutedUntil;
}

/** Whether this browser has had its sound unlocked before: then a page that is silent says so loudly. */
export function wasOn() {
  try { return localStorage.getItem(KEPT) === "on"; } catch { return false; }
}

/** The switch in the header: what comes out of this page, in words of its data, and pressed or not. `loud`: not to be heard is red. */
export function drawSwitch(button, loud) {
  const state = !audible() ? "off" : muted() ? "muted" : "on";
  const red = loud && state !== "on";
  button.setAttribute("aria-pressed", String(audible()));
  button.classList.toggle("alarm", red);
  button.classList.toggle("quiet", !red);
  if (button.textContent !== button.dataset[state]) button.textContent = button.dataset[state];
  return state;
}

/** `on()`: called whenever the state may have changed. */
export function whenChanged(on) {
  told = on;
}

/** From a press: browsers let nothing sound before. One blow is heard. */
export async function unlock() {
  await open();
  if (!audible()) return false;
  try { localStorage.setItem(KEPT, "on"); } catch { /* a browser that keeps nothing */ }
  if (!playing) blow(context.currentTime, 0.25, context);
  sync();
  return true;
}

/** Without a press, after a reload: some browsers remember that somebody has pressed. */
export async function tryQuietly() {
  if (!wasOn()) return false;
  await open();
  sync();
  return audible();
}

/** So many alarms that nobody has taken. One more than before ends a quiet that was asked for. */
export function alarm(count) {
  if (count > untaken) mutedUntil = 0;
  untaken = count;
  sync();
}

/** Quiet here for a while; nobody else's page is quiet for it. */
export function mute(ms) {
  mutedUntil = Date.now() + ms;
  sync();
  setTimeout(sync, ms + 50);
}

async function open() {
  if (!context) {
    context = new AudioContext();
    context.addEventListener("statechange", () => sync());
  }
  await Promise.race([context.resume(), new Promise((done) => setTimeout(done, WITHIN_MS))]);
  round ??= await rendered(context.sampleRate);
}

/** Three blows and a rest, as samples. */
function rendered(rate) {
  const offline = new OfflineAudioContext(1, ROUND_S * rate, rate);
  for (const at of [0, 0.28, 0.56]) blow(at, 0.6, offline);
  return offline.startRendering();
}

function sync() {
  const wanted = untaken > 0 && audible() && !muted() && round;
  if (wanted && !playing) {
    playing = new AudioBufferSourceNode(context, { buffer: round, loop: true });
    playing.connect(context.destination);
    playing.start();
  } else if (!wanted && playing) {
    playing.stop();
    playing = null;
  }
  told();
}
