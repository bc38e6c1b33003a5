// Forms and buttons that say themselves where they go: data-send="PUT /api/…". What they send is made of their named fields.

import { say } from "./say.js";
import { act, once } from "./desk.js";

const MADE = {
  number: (text) => (text === "" ? undefined : Number(text)),
  lines: (text) => text.split("\n").map((line) => line.trim()).filter(Boolean),
  day: (text) => (text === "" ? null : Date.parse(`${text}T23:59:59+07:00`)),
  none: (text) => (text === "" ? null : text),
};

/** {name: value}; `data-as`: how a value is made of what was typed. */
function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || (field.type === "radio" && !field.checked)) continue;
    const typed = field.type === "password" ? field.value : field.value.trim();
    const value = field.type === "checkbox" ? field.checked : (MADE[field.dataset.as] ?? String)(typed);
    if (value !== undefined) body[field.name] = value;
  }
  return body;
}

function differs(form) {
  const again = form.querySelector("[data-again]");
  if (!again || again.value === form.elements[again.dataset.again].value) return false;
  say(again.dataset.differs, true);
  again.focus();
  return true;
}

/** What is shown once, large, to be copied. */
function showOnce(secret) {
  const dialog = document.getElementById("once");
  const place = document.getElementById("once-secret");
  place.textContent = secret;
  dialog.showModal();
  dialog.addEventListener("close", () => { place.textContent = ""; location.reload(); }, { once: true });
}

function after(form, done) {
  const secret = done.data.password ?? done.data.secret;
  if (typeof secret === "string") return showOnce(secret);
  if (form.dataset.then) return location.assign(form.dataset.then);
  return location.reload();
}

/** All of them in this part of the page. */
export function wireForms(root = document) {
  for (const form of root.querySelectorAll("form[data-send]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (differs(form)) return;
      const [method, url] = form.dataset.send.split(" ");
      const body = bodyOf(form);
      const done = await once(form, () => act(url, body, method));
      if (done.ok) after(form, done);
    });
  }
  for (const button of root.querySelectorAll("button[data-send]")) {
    button.addEventListener("click", async () => {
      if (button.dataset.sure && !confirm(button.dataset.sure)) return;
      const [method, url] = button.dataset.send.split(" ");
      button.disabled = true;
      const done = await act(url, button.dataset.body ? JSON.parse(button.dataset.body) : undefined, method);
      button.disabled = false;
      if (done.ok) after(button, done);
    });
  }
}

document.getElementById("once-copy")?.addEventListener("click", async (event) => {
  const place = document.getElementById("once-secret");
  try {
    await navigator.clipboard.writeText(place.textContent);
    say(event.target.dataset.copied);
  } catch {
    getSelection().selectAllChildren(place);  // plain HTTP: browsers copy only what a person has marked
    say(event.target.dataset.marked);
  }
});
