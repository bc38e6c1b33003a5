// The keeper's page: hold to alarm, press to stop, and what changes as it changes.

import { drawBlows } from "./bell.js";
import { holdToFire } from "./hold.js";
import { age, clockTime, listen, serverNow } from "./live.js";
import { newId, refusal, send } from "./send.js";
import { say, speak, word } from "./say.js";
import "./post_sign_in.js";

const STALE_MS = 5000;
const place = document.getElementById("now");
let timer = 0;
let busy = false;
let again = false;
let unanswered = 0;

/** A write, and what became of it in words. No answer: nobody knows, and the same may be sent again. */
async function act(method, path, body) {
  say(word("sending"));
  const done = await send(method, `/api/keeper/${path}`, body, true);
  unanswered = done.status === 0 ? serverNow() : 0;
  if (done.data.error === "not_signed_in") location.assign("/vao");
  else if (done.data.error === "pin_needed" && !document.getElementById("sign-in")) location.reload();
  else say(done.status === 0 ? word("noAnswer") : refusal(done.data), !done.ok);
  soon();
  return done;
}

const soon = () => {
  again = true;
  if (!timer && !busy) timer = setTimeout(refresh, 80);
};

async function refresh() {
  timer = 0;
  busy = true;
  again = false;
  try {
    const answer = await fetch("/phan/nay", { cache: "no-store", credentials: "same-origin" });
    if (answer.redirected) return location.assign("/vao");
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.text());
  } catch {
    again = true;
    await new Promise((done) => setTimeout(done, 1000));
  }
  busy = false;
  if (again) soon();
}

const keyOf = (one) => one?.id || one?.dataset.heard + one?.dataset.yes;

function show(html) {
  const key = place.contains(document.activeElement) && keyOf(document.activeElement);
  place.innerHTML = html;
  if (key) [...place.querySelectorAll("button")].find((one) => keyOf(one) === key)?.focus();
  age(place);
  speak(place.querySelector(".sounds > p").textContent);
}

for (const button of document.querySelectorAll("[data-ring]")) {
  let id = newId();
  holdToFire(button, async () => {
    button.disabled = true;
    const done = await act("POST", "ring", { id, signal: button.dataset.ring });
    button.disabled = false;
    if (done.status !== 0) id = newId();
  });
}

// One press, at once: stopping a sound hurts less than a question does.
const hush = document.getElementById("hush");
const hushToo = document.getElementById("hush-too");
for (const button of [hush, hushToo]) button.addEventListener("click", () => act("POST", "hush"));
// Scrolled away, it is at the top: nobody looks for it.
new IntersectionObserver(([seen]) => { hushToo.hidden = seen.isIntersecting; }).observe(hush);

place.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "try-silently") act("POST", "ring", { id: newId(), purpose: "test" });
  else if (button?.dataset.heard) act("POST", "heard", { ring: button.dataset.heard, heard: Boolean(button.dataset.yes) });
});

document.getElementById("sign-out").addEventListener("click", async () => {
  if ((await send("DELETE", "/api/keeper/session")).ok) location.assign("/vao");
});

let begun = false;
listen("/api/keeper/live", (topic) => {
  if (topic === "signed_out") return location.assign("/vao");
  if (topic === "heartbeat") document.getElementById("line").textContent = clockTime(serverNow());
  if (unanswered && serverNow() - unanswered > STALE_MS) { // the line is back: that nobody answers holds no more
    unanswered = 0;
    say("");
  }
  if (topic !== "heartbeat" || !begun) soon();
  begun = true;
  return undefined;
});
setInterval(soon, 30_000); // what changes with time alone: a silence that ends, tomorrow's rings
drawBlows();
