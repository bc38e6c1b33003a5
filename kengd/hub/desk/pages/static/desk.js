// On every page of an officer: stop all, the idle device, sign out.

import { newId, refusal, send } from "./send.js";
import { say, word } from "./say.js";

// One press, at once: stopping a sound hurts less than a question does. The same press twice is two hushes, which does no harm.
for (const stop of document.querySelectorAll(".hush-all")) {
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    const done = await send("POST", "/api/hushes", { id: newId(), all: true });
    stop.disabled = false;
    if (done.ok) say(word("hushed"));
  });
}

document.getElementById("sign-out")?.addEventListener("click", async () => {
  await send("DELETE", "/api/session");
  location.assign("/vao");
});

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
    say("");
  }
});

/** A write of this page, which may find the device idle or signed out. */
export async function act(url, body, method = "POST") {
  const done = await send(method, url, body, true);
  if (done.data.error === "session_locked") askToUnlock();
  else if (done.status === 401) toSignIn();
  else if (!done.ok && done.data.error !== "confirm_needed") {
    say(done.status === 0 ? word("noAnswer") : refusal(done.data), true);
  }
  return done;
}
