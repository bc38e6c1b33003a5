// One line at the bottom of the page that also a screen reader says.

const READ_AFTER_MS = 60;

let timer = 0;
let line = null;
let said = "";

/** Under an open dialog it would be dimmed, and silent to a screen reader: there it stands inside. Whether it has just moved. */
function moves() {
  line ??= document.getElementById("say");
  const home = document.querySelector("dialog:modal") ?? document.body;
  if (line.parentElement === home) return false;
  home.append(line);
  if (home !== document.body) home.addEventListener("close", () => document.body.append(line), { once: true });
  return true;
}

/** Say it for a while. `bad`: it stays until something else is said, somebody presses something, or an act succeeds: no timer ends it. */
export function say(text, bad = false) {
  clearTimeout(timer);
  said = text;
  const moved = moves();
  line.classList.toggle("bad", bad);
  line.setAttribute("role", bad ? "alert" : "status");
  line.textContent = moved ? "" : text; // what comes with a line that is new to the page is not read out
  if (moved) setTimeout(() => { line.textContent = said; }, READ_AFTER_MS);
  if (text && !bad) timer = setTimeout(() => say(""), 6000);
}

/** What was refused is done with: somebody goes on. */
export function unsay() {
  if (line?.classList.contains("bad")) say("");
}

// The finger, not the click: at the end of a hold the click comes after the answer.
addEventListener("pointerdown", ({ target }) => { if (target.closest?.("button, a, summary")) unsay(); }, true);
addEventListener("keydown", ({ key, target, repeat }) => {
  if (!repeat && (key === "Enter" || (key === " " && target.closest?.("button, summary")))) unsay();
}, true);

/** A text of this page: it stands in the body's data, in the reader's language. */
export function word(name) {
  return document.body.dataset[name] ?? "";
}

/** For a screen reader alone: what is drawn anew as a whole is otherwise not said, or all of it is. Said when it is another. */
export function speak(text) {
  const place = document.getElementById("spoken");
  const heard = text.trim();
  if (place.textContent !== heard) place.textContent = heard;
}
