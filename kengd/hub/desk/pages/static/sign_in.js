// The door: a name and a password, and a password of one's own.

import { send } from "./send.js";
import { say } from "./say.js";

const value = (id) => document.getElementById(id).value;

document.getElementById("sign-in")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const device = navigator.userAgent.slice(0, 200);
  const done = await send("POST", "/api/session", { login: value("login"), password: value("password"), device });
  if (done.ok) location.replace(done.data.must_change ? "/mat-khau" : "/");
});

document.getElementById("new-password")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const again = document.getElementById("again");
  if (again.value !== value("new")) return say(again.dataset.differs, true);
  const done = await send("PUT", "/api/me/password", { old: value("old"), new: value("new") });
  if (done.ok) location.replace("/");
});
