// A PIN, and another PIN.

import { refusal, send } from "./send.js";
import { say, word } from "./say.js";

/** Why not, beside the field; "wait 30 s" counts down and goes. */
function beside(field, done) {
  const label = field.closest("label") ?? field;
  document.getElementById("why-not")?.remove();
  const note = Object.assign(document.createElement("p"), {
    id: "why-not", className: "problem bad", textContent: done.status === 0 ? word("noAnswer") : refusal(done.data),
  });
  note.setAttribute("role", "alert");
  label.after(note);
  field.setAttribute("aria-describedby", note.id);
  field.focus();
  const seconds = done.data.error === "try_later" ? Number(/\d+(?= (giây|s)\b)/.exec(note.textContent)?.[0] ?? 0) : 0;
  if (seconds) count(note, note.textContent, seconds, seconds);
}

function count(note, text, from, left) {
  if (!note.isConnected) return;
  if (left <= 0) return note.remove();
  note.setAttribute("aria-live", left === from ? "assertive" : "off"); // a screen reader is not told every second
  note.textContent = text.replace(String(from), String(left));
  setTimeout(count, 1000, note, text, from, left - 1);
}

const value = (id) => document.getElementById(id).value;

document.getElementById("sign-in")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  const done = await send("POST", "/api/keeper/session", { pin: value("pin") }, true);
  button.disabled = false;
  document.getElementById("pin").value = "";
  if (done.ok) location.replace("/");
  else beside(document.getElementById("pin"), done);
});

document.getElementById("new-pin")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const again = document.getElementById("again");
  if (again.value !== value("new")) return say(again.dataset.differs, true);
  const done = await send("PUT", "/api/keeper/pin", { old: value("old"), new: value("new") }, true);
  if (done.ok) location.replace("/");
  else beside(document.getElementById(["bad_pin", "pin_guessable", "pin_taken"].includes(done.data.error) ? "new" : "old"), done);
});
