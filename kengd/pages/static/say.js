// One line at the bottom of the page that also a screen reader says.

let timer = 0;

/** Say it for a while. `bad`: it stays until something else is said. */
export function say(text, bad = false) {
  const place = document.getElementById("say");
  clearTimeout(timer);
  place.classList.toggle("bad", bad);
  place.setAttribute("role", bad ? "alert" : "status");
  place.textContent = text;
  if (text && !bad) timer = setTimeout(() => { place.textContent = ""; }, 6000);
}

/** A text of this page: it stands in the body's data, in the reader's language. */
export function word(name) {
  return document.body.dataset[name] ?? "";
}
