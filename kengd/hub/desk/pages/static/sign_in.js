// The door: a name and a password, and a password of one's own. Whoever has to wait sees for how long.

import { send } from "./send.js";
import { say } from "./say.js";

const value = (id) => document.getElementById(id).value;
const form = document.getElementById("sign-in");
let timer = 0;

/** The button comes back when another try is allowed, by the seconds that the server said. */
function wait(seconds) {
  const place = document.getElementById("wait");
  const button = form.querySelector("button");
  const until = performance.now() + seconds * 1000;
  clearInterval(timer);
  const show = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    place.hidden = left <= 0;
    button.disabled = left > 0;
    place.textContent = left > 0 ? form.dataset.wait.replace("…", left) : "";
    if (left <= 0) clearInterval(timer);
  };
  timer = setInterval(show, 250);
  show();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const device = navigator.userAgent.slice(0, 200);
  const done = await send("POST", "/api/session", { login: value("login"), password: value("password"), device });
  if (done.ok) location.replace(done.data.must_change ? "/mat-khau" : form.dataset.back || done.data.start);
  else if (done.data.wait_s) wait(done.data.wait_s);
});

document.getElementById("new-password")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const again = document.getElementById("again");
  if (again.value !== value("new")) return say(again.dataset.differs, true);
  const done = await send("PUT", "/api/me/password", { old: value("old"), new: value("new") });
  if (done.ok) location.replace(done.data.start);
});
