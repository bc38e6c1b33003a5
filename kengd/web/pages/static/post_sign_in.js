// A PIN, and another PIN.

import { send } from "./send.js";
import { say } from "./say.js";

const value = (id) => document.getElementById(id).value;

document.getElementById("sign-in")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  const done = await send("POST", "/api/keeper/session", { pin: value("pin") });
  button.disabled = false;
  document.getElementById("pin").value = "";
  if (done.ok) location.replace("/");
  else document.getElementById("pin").focus();
});

document.getElementById("new-pin")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const again = document.getElementById("again");
  if (again.value !== value("new")) return say(again.dataset.differs, true);
  const done = await send("PUT", "/api/keeper/pin", { old: value("old"), new: value("new") });
  if (done.ok) location.replace("/");
});
