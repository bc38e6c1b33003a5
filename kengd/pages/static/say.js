// One line at the bottom of the page that also a screen reader says.

let timer = 0;

/** Say it for a while. `bad`: it stays until something else is said, somebody presses something, or an act succeeds: no timer ends it. */
export function say(text, bad = false) {
  const place = document.getElementById("say");
  clearTimeout(timer);
  place.classList.toggle("bad", bad);
  place.setAttribute("role", bad ? "alert" : "status");
  place.textContent = text;
  if (text && !bad) timer = setTimeout(() => { place.textContent = ""; }, 6000);
}

/** What was refused is done with: somebody goes on. */
export function unsay() {
  if (document.getElementById("say").classList.contains("bad")) say("");
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
  const line = text.trim();
  if (place.textContent !== line) place.textContent = line;
}
