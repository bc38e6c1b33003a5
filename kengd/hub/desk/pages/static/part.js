// Parts of a page that are fetched anew, a few times a second at most, without taking the keyboard or a finger from a button.

import { newId } from "./send.js";
import { act, toSignIn } from "./desk.js";
import { age } from "./live.js";
import { holdToFire } from "./hold.js";

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

/** Buttons that act: at once (`post`, `act`), or when held (`hold-…`); those with an act of their own get its id now. */
export function wire(root, after) {
  const acts = (button, url, body) => async () => { if ((await act(url, body)).ok) after(button); };
  for (const button of root.querySelectorAll("[data-post]")) {
    button.addEventListener("click", acts(button, button.dataset.post));
  }
  for (const button of root.querySelectorAll("[data-act]")) {
    const go = acts(button, button.dataset.act, { id: newId() });
    button.addEventListener("click", () => { if (!button.dataset.sure || confirm(button.dataset.sure)) go(); });
  }
  for (const button of root.querySelectorAll("[data-hold-act]")) {
    holdToFire(button, acts(button, button.dataset.holdAct, { id: newId() }));
  }
  for (const button of root.querySelectorAll("[data-hold-post]")) holdToFire(button, acts(button, button.dataset.holdPost));
}
