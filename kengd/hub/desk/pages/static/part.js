// Parts of a page that are fetched anew, a few times a second at most, without taking the keyboard or a finger from a button.

import { newId, refusal } from "./send.js";
import { act, toSignIn } from "./desk.js";
import { age, serverNow } from "./live.js";
import { holdToFire } from "./hold.js";
import { say } from "./say.js";

/** HTML from our own server. */
export async function part(url) {
  const answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

const keyOf = (one) => one.dataset.act ?? one.dataset.post ?? one.dataset.holdAct ?? one.dataset.holdPost ?? one.href;

/** Put it in its place. False: a finger holds a button there, nothing may move under it. */
export function show(place, html, after) {
  if (place.querySelector(".holding")) return false;
  const focused = document.activeElement;
  const key = place.contains(focused) ? keyOf(focused) : undefined;
  place.innerHTML = html;
  wire(place, after);
  if (key) [...place.querySelectorAll("button, a")].find((one) => keyOf(one) === key)?.focus();
  age(place);
  return true;
}

/** By url what an act sends: it keeps its id, and what it was told to confirm, while its part is drawn anew, until it is settled. */
const asked = new Map();
const settled = new Set();

/**
 * Buttons that act: at once (`post`, `act`), or when held (`hold-…`). `data-done`: what is then said. `data-until`: the server's time
 * at which this part has to be fetched anew, nothing else happening.
 */
export function wire(root, after) {
  const acts = (button, url, own = false) => {
    if (own && (!asked.has(url) || settled.delete(url))) asked.set(url, { id: newId() });
    return () => go(button, url);
  };
  const go = async (button, url) => {
    const done = await act(url, asked.get(url));
    if (done.data.error === "confirm_needed") {
      asked.get(url).confirm = done.data.token;
      say(refusal(done.data), true);
    } else if (done.ok) settled.add(url); // pressed once more before it is drawn anew, it is the same act
    else if (done.data.error === "id_reused") asked.set(url, { id: newId() });
    else if (done.data.error === "confirm_lapsed") delete asked.get(url).confirm;
    if (!done.ok) return;
    if (button.dataset.done) say(button.dataset.done);
    after(button);
  };
  for (const one of root.querySelectorAll("[data-until]")) {
    setTimeout(() => { if (one.isConnected) after(one); }, Math.max(0, Number(one.dataset.until) - serverNow()) + 300);
  }
  for (const button of root.querySelectorAll("[data-post]")) {
    button.addEventListener("click", acts(button, button.dataset.post));
  }
  for (const button of root.querySelectorAll("[data-act]")) {
    const go = acts(button, button.dataset.act, true);
    button.addEventListener("click", () => { if (!button.dataset.sure || confirm(button.dataset.sure)) go(); });
  }
  for (const button of root.querySelectorAll("[data-hold-act]")) {
    holdToFire(button, acts(button, button.dataset.holdAct, true));
  }
  for (const button of root.querySelectorAll("[data-hold-post]")) holdToFire(button, acts(button, button.dataset.holdPost));
}
