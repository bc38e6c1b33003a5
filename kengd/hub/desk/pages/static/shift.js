// A shift is received by name, after reading; that press unlocks the sound. And what is left to the next one.

import { act, once } from "./desk.js";
import { unlock } from "./alarm_tone.js";
import { listen } from "./live.js";
import { part } from "./part.js";
import { say } from "./say.js";

/** Buttons of `shift_part.html`, wherever it stands. `done()`: on duty now; `away()`: not now. */
export function wireShift(root, done, away) {
  root.querySelector("[data-receive]")?.addEventListener("click", async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    await unlock();
    const answer = await act("/api/shift/receive", { after: Number(button.dataset.receive) });
    button.disabled = false;
    if (answer.ok) done();
  });
  root.querySelector("[data-close]")?.addEventListener("click", away);
}

/** The same in a dialog of the board, fetched when it is asked for. */
export async function openShift(dialog, url) {
  dialog.innerHTML = await part(url);
  wireShift(dialog, () => dialog.close(), () => dialog.close());
  dialog.showModal();
}

/** What stands on the page of shifts. */
function wirePage(place) {
  const form = place.querySelector("#hand-over");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const note = document.getElementById("note").value;
    const button = form.querySelector("button");
    button.disabled = true;
    const done = await once(form, () => act("/api/shift/hand-over", { n: Number(form.dataset.n), note }));
    button.disabled = false;
    if (done.ok) location.reload();
  });
  const receive = place.querySelector("#receive");
  if (receive) wireShift(receive, () => location.assign("/"), () => location.assign("/"));
}

/** Only when it is another one's shift, or another note: what somebody is writing is not taken away. */
async function renew(place) {
  const box = document.createElement("template");
  try {
    box.innerHTML = await part("/phan/ca-truc");
  } catch {
    setTimeout(() => renew(place), 1000);
    return;
  }
  if (box.content.firstElementChild.dataset.key === place.firstElementChild.dataset.key) return;
  place.replaceChildren(box.content);
  wirePage(place);
  say(place.querySelector("[data-tell]")?.textContent ?? "");
}

const page = document.getElementById("shift-now");
if (page) {
  wirePage(page);
  listen(`/api/live?after=${document.body.dataset.place}`, (topic, data) => {
    if (topic === "signed_out") location.assign("/vao");
    else if (topic === "reset" || data.shift) renew(page);
  });
}
