// The roster: what stands in a form is put whole under its id. A new one's id follows its name.

import { act, once } from "./desk.js";
import { finds, fold } from "./fold.js";
import { wireForms } from "./forms.js";

const MADE = {
  number: (text) => (text === "" ? undefined : Number(text)),
  lines: (text) => text.split("\n").map((line) => line.trim()).filter(Boolean),
  none: (text) => (text === "" ? null : text),
};
const id = document.getElementById("id");

function bodyOf(form) {
  const body = form.dataset.more ? JSON.parse(form.dataset.more) : {};
  for (const field of form.elements) {
    if (!field.name) continue;
    const value = field.type === "checkbox" ? field.checked : (MADE[field.dataset.as] ?? String)(field.value.trim());
    if (value !== undefined) body[field.name] = value;
  }
  for (const list of form.querySelectorAll("[data-list]")) {
    body[list.dataset.list] = [...list.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
  }
  for (const pairs of form.querySelectorAll("[data-pairs]")) {
    body[pairs.dataset.pairs] = [...pairs.querySelectorAll("[data-pair]")].filter((one) => one.value)
      .map((one) => ({ village: one.dataset.pair, by_itself: one.value === "itself" }));
  }
  return body;
}

for (const form of document.querySelectorAll("form[data-put]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = bodyOf(form);
    const done = await once(form, () => act(form.dataset.put + (form.dataset.id || id.value), body, "PUT"));
    if (done.ok) location.assign(form.dataset.then);
  });
}

if (id) {
  const known = new Set(id.dataset.known.split(" "));
  let own = false;
  // what is there already would be overwritten by something new of the same id
  const look = () => id.setCustomValidity(known.has(id.value) ? id.labels[0].textContent.trim() : "");
  document.getElementById("name").addEventListener("input", (event) => {
    if (own) return;
    const plain = fold(event.target.value).replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 34).replace(/-$/, "");
    let made = plain;
    for (let n = 2; known.has(made); n += 1) made = `${plain}-${n}`;
    id.value = made;
    look();
  });
  id.addEventListener("input", () => {
    own = id.value !== "";
    look();
  });
}

document.getElementById("show-data")?.addEventListener("click", async (event) => {
  const answer = await fetch(event.target.dataset.url, { cache: "no-store", credentials: "same-origin" });
  const place = document.getElementById("data");
  place.hidden = false;
  place.textContent = JSON.stringify(await answer.json(), null, 2);
});

finds(document.getElementById("find"));
wireForms();
