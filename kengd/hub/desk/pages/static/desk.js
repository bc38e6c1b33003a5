// On every page of an officer: stop all, the idle device, sign out.

import { newId, refusal, send } from "./send.js";
import { say, unsay, word } from "./say.js";

const SLOW_MS = 2500;

// One press, at once: stopping a sound hurts less than a question does. The same press twice is two hushes, which does no harm.
for (const stop of document.querySelectorAll(".hush-all")) {
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    say(word("hushing"));
    const slow = setTimeout(() => say(word("hushSlow"), true), SLOW_MS);
    const done = await send("POST", "/api/hushes", { id: newId(), all: true });
    clearTimeout(slow);
    stop.disabled = false;
    if (done.ok) say(word("hushed"));
  });
}

async function signOut() {
  await send("DELETE", "/api/session");
  location.assign("/vao");
}

/** Whoever is on duty stays so when signed out: that is said first. */
async function mine() {
  try {
    const answer = await fetch("/phan/bao", { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(3000) });
    return answer.ok && (await answer.json()).mine;
  } catch {
    return false;
  }
}

const leave = document.getElementById("leave");
document.getElementById("sign-out")?.addEventListener("click", async () => (await mine() ? leave.showModal() : signOut()));
document.getElementById("leave-now")?.addEventListener("click", signOut);
document.getElementById("stay")?.addEventListener("click", () => leave.close());

const dialog = document.getElementById("unlock");
const form = document.getElementById("unlock-form");

/** Not signed in any more: afterwards one is here again. */
export function toSignIn() {
  const here = location.pathname + location.search;
  location.assign(here === "/" ? "/vao" : `/vao?tu=${encodeURIComponent(here)}`);
}

/** Ask for the PIN of an idle device; hushing works without. */
export function askToUnlock() {
  if (dialog && !dialog.open) dialog.showModal();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const pin = document.getElementById("unlock-pin");
  const done = await send("POST", "/api/session/unlock", { pin: pin.value });
  pin.value = "";
  if (done.ok) {
    dialog.close();
    unsay();
  }
});

const flying = new Map();

/** A write of this page, which may find the device idle or signed out. The same one, while it is on its way, is sent once. */
export function act(url, body, method = "POST") {
  const key = `${method} ${url} ${JSON.stringify(body)}`;
  if (!flying.has(key)) flying.set(key, ask(url, body, method).finally(() => flying.delete(key)));
  return flying.get(key);
}

/** One write of this form at a time: its buttons stay off until an answer has come, and after a good one, which leads elsewhere. */
export async function once(form, write) {
  const buttons = [...form.querySelectorAll("button")].filter((one) => !one.disabled);
  const off = (disabled) => { for (const one of buttons) one.disabled = disabled; };
  off(true);
  const done = await write();
  if (done.ok) addEventListener("pageshow", () => off(false), { once: true }); // who comes back finds the form as it was
  else off(false);
  return done;
}

async function ask(url, body, method) {
  const done = await send(method, url, body, true);
  if (done.ok) unsay();
  else if (done.data.error === "session_locked") askToUnlock();
  else if (done.status === 401) toSignIn();
  else if (done.data.error !== "confirm_needed") {
    say(done.status === 0 ? word("noAnswer") : refusal(done.data), true);
  }
  return done;
}
