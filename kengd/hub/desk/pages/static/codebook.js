// The codebook in the making: what is written is drawn, told in words and heard at once, by the server's own reading of it.

import { refusal } from "./send.js";
import { act } from "./desk.js";
import { showScore, wireHear } from "./hear.js";
import { say } from "./say.js";
import { record } from "./tap.js";

const WAIT_MS = 350;
const form = document.getElementById("codebook");
const places = document.getElementById("signals");
const bell = document.getElementById("bell");
const warnings = document.getElementById("warnings");
const field = (place, name) => place.querySelector(`[name=${name}]`);
const asked = new WeakMap();
let rev = form.dataset.rev;
let unsaved = false;
let added = 0;

function line(text, of = "p", kind = "") {
  const made = document.createElement(of);
  made.textContent = text;
  made.className = kind;
  return made;
}

/** What the server understood, or the place of the mistake with lines that it would read. `use(text)`: takes one of them. */
function answer(place, hear, text, data, ok, use) {
  if (!ok) {
    const told = [line(refusal(data), "p", "bad")];
    if (data.column) told.push(line(`${text.slice(0, data.column - 1)}«${text.slice(data.column - 1) || "…"}»`));
    for (const said of data.suggestions ?? []) {
      const take = line(`${form.dataset.try} ${said}`, "button", "quiet");
      take.type = "button";
      take.addEventListener("click", () => use(said));
      told.push(take);
    }
    place.replaceChildren(...told);
    hear.hidden = true;
    return;
  }
  place.replaceChildren(
    line(`${form.dataset.heard} ${data.words.join("; ")}${data.words.length ? "; " : ""}${data.total}`, "p", "soft"),
    ...data.warnings.map((text) => line(`⚠ ${text}`, "p", "bad")),
  );
  showScore(hear, data.score, data.bell);
}

/** What a signal of this kind must not begin like: a calm one like an alarm, an alarm like a calm one. */
function beside(kind) {
  const wanted = kind === "alarm" ? ["all_clear", "curfew", "routine"] : ["alarm"];
  if (!kind || kind === "support") return [];
  const others = [...places.querySelectorAll(".signal")].filter((one) => wanted.includes(field(one, "kind").value));
  return others.map((one) => field(one, "pattern").value.trim()).filter(Boolean);
}

/** Ask how a text is understood; only the newest answer of a place counts. */
async function understand(place, hear, text, kind, use, by = bell.value) {
  const turn = (asked.get(place) ?? 0) + 1;
  asked.set(place, turn);
  if (!text.trim()) {
    place.replaceChildren();
    hear.hidden = true;
    return;
  }
  const query = new URLSearchParams({ text, bell: by });
  if (kind) query.set("kind", kind);
  for (const other of beside(kind)) query.append("beside", other);
  let reply;
  try {
    reply = await fetch(`/api/codes/pattern?${query}`, { cache: "no-store", credentials: "same-origin" });
  } catch {
    return;
  }
  const data = await reply.json();
  if (asked.get(place) === turn) answer(place, hear, text.normalize("NFC"), data, reply.ok, use);
}

function look(place) {
  const text = field(place, "pattern");
  const write = (said) => {
    text.value = said;
    look(place);
    unsaved = true;
  };
  place.querySelector(".said-name").textContent = field(place, "name").value;
  place.querySelector(".said-pattern").textContent = text.value;
  const [told, hear] = [place.querySelector(".answer"), place.querySelector(".hear")];
  return understand(told, hear, text.value, field(place, "kind").value, write);
}

function tapped(place, taps) {
  const text = field(place, "pattern");
  act("/api/codes/taps", { taps, bell: bell.value }).then(async ({ ok, data }) => {
    if (!ok) return;
    text.value = data.pattern;
    unsaved = true;
    await look(place);
    const told = place.querySelector(".answer");
    const said = data.rounded.length ? `${form.dataset.rounded} ${data.rounded.join("; ")}` : form.dataset.exact;
    told.prepend(line(said, "p", "rounded"));
    if (!["alarm", "support"].includes(field(place, "kind").value)) return;
    const endless = line(`${form.dataset.endless}: ${data.endless}`, "button", "quiet");
    endless.type = "button";
    endless.addEventListener("click", () => { text.value = data.endless; look(place); });
    told.append(endless);
  });
}

function wire(place) {
  let timer = 0;
  place.addEventListener("input", (event) => {
    unsaved = true;
    if (event.target.name === "model") {
      if (!event.target.value) return;
      field(place, "pattern").value = event.target.value;
      event.target.value = "";
    }
    clearTimeout(timer);
    timer = setTimeout(() => look(place), WAIT_MS);
  });
  place.addEventListener("toggle", () => { if (place.open) look(place); });
  place.querySelector(".tap").addEventListener("click", () => record(siren(), (taps) => tapped(place, taps)));
  place.querySelector(".drop")?.addEventListener("click", () => {
    if (!confirm(form.dataset.drop)) return;
    place.remove();
    unsaved = true;
  });
}

const siren = () => bell.selectedOptions[0].dataset.kind === "siren";

/** "Kẻng họp chợ" → "keng_hop_cho". */
function idOf(name) {
  const plain = name.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "").slice(0, 40);
}

function content() {
  const signals = [...places.querySelectorAll(".signal")].map((place) => {
    const said = Object.fromEntries(["name", "name_en", "kind", "meaning", "pattern"].map((key) => [key, field(place, key).value.trim()]));
    return { id: field(place, "id").value.trim() || idOf(said.name), ...said };
  });
  return { rev, use: form.dataset.use, signals, bell: bell.value };
}

async function keep() {
  for (const place of places.querySelectorAll(".signal")) {
    if (place.querySelector(":invalid")) place.open = true;
  }
  if (!form.reportValidity()) return false;
  const body = content();
  const { keep: save, go } = form.elements;
  if (save.disabled) return false; // on its way: what is typed meanwhile is saved by the next press
  save.disabled = go.disabled = true;
  const done = await act("/api/codes/codebook/draft", body, "PUT");
  save.disabled = go.disabled = false;
  if (!done.ok) return false;
  rev = done.data.rev;
  unsaved = false;
  history.replaceState(null, "", location.pathname); // opened again it is the draft, not what it began from
  warnings.replaceChildren(...done.data.warnings.map((text) => line(`⚠ ${text}`, "li")));
  return true;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await keep()) say(form.dataset.kept);
});
document.getElementById("go").addEventListener("click", async () => {
  if (await keep()) location.assign("/hieu-lenh/gui/codebook");
});
document.getElementById("add").addEventListener("click", () => {
  added += 1;
  const made = document.getElementById("blank").content.firstElementChild.cloneNode(true);
  for (const one of made.querySelectorAll("[id], [for], [aria-describedby]")) {
    for (const key of ["id", "for", "aria-describedby"]) {
      if (one.hasAttribute(key)) one.setAttribute(key, one.getAttribute(key).replace("NEW", `new${added}`));
    }
  }
  places.append(made);
  wire(made);
  wireHear(made.querySelector(".hear"));
  unsaved = true;
  field(made, "name").focus();
});
document.getElementById("strike")?.addEventListener("click", async () => {
  const done = await act("/api/codes/codebook/draft/strike", { rev });
  unsaved = false;
  if (done.ok) location.assign("/hieu-lenh");
});
bell.addEventListener("change", () => { for (const place of places.querySelectorAll(".signal[open]")) look(place); });
for (const place of places.querySelectorAll(".signal")) wire(place);

const legend = document.getElementById("answer-legend");
for (const button of document.querySelectorAll("button.model")) {
  button.addEventListener("click", () => {
    const usual = button.dataset.text.includes("hú") ? "siren" : "striker";
    understand(legend, legend.nextElementSibling, button.dataset.text, "", () => {}, usual);
  });
}
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
