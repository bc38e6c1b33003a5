// A shift is received by name, after reading; that press unlocks the sound. And what is left to the next one.

import { act } from "./desk.js";
import { unlock } from "./alarm_tone.js";
import { part } from "./part.js";

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

const form = document.getElementById("hand-over");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const note = document.getElementById("note").value;
  const done = await act("/api/shift/hand-over", { n: Number(form.dataset.n), note });
  if (done.ok) location.reload();
});
const receive = document.getElementById("receive");
if (receive) wireShift(receive, () => location.assign("/"), () => location.assign("/"));
