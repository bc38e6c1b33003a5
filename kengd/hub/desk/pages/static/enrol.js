// The wizard: fields become the tables of the post's settings file, the hub asks the post's own reader what it thinks of them, and
// the file, with its keys, is given once.

import { newId, refusal } from "./send.js";
import { act } from "./desk.js";
import { say, word } from "./say.js";
import { look } from "./posts.js";
import { buttons, hours, keepers, withoutPin } from "./enrol_rows.js";
import { showPins, usedPins } from "./enrol_pins.js";

const SOON_MS = 500;
const form = document.getElementById("wizard");
const own = document.getElementById("own");
const field = (id) => document.getElementById(id);
const base = JSON.parse(form.dataset.tables);
const mode = form.dataset.mode;
const taken = JSON.parse(form.dataset.taken);
const books = JSON.parse(form.dataset.books);
const english = document.documentElement.lang === "en";
const parts = (path) => path.split(".");
const at = (tables, path) => parts(path).reduce((table, key) => table?.[key], tables);
const fixed = () => [...own.querySelectorAll("[data-where]")].filter((one) => !one.closest(".entry-row"));

let id = newId();
let wrong = true;

function put(tables, path, value) {
  const keys = parts(path);
  const last = keys.pop();
  let table = tables;
  for (const key of keys) table = table[key] ??= {};
  if (value === undefined) delete table[last];
  else table[last] = value;
}

/** What a field says; undefined: nothing. */
function said(one) {
  if (one.type === "checkbox") return one.checked;
  const text = one.value.trim();
  if (text === "") return undefined;
  return one.type === "number" || one.classList.contains("gpio") ? Number(text) : text;
}

const kindNow = () => form.querySelector("[name=kind]:checked").value;

/** The post's own tables, as they are typed now. What the page has no field for stays as it came. */
function tables() {
  const made = structuredClone(base);
  const kind = kindNow();
  const same = base.bell?.kind === kind;
  made.bell = { kind };
  for (const one of fixed()) {
    if (one.dataset.kind && one.dataset.kind !== kind) continue;
    const value = said(one);
    const known = (!one.dataset.kind || same) && at(base, one.dataset.where) !== undefined;
    put(made, one.dataset.where, known || String(value) !== one.dataset.default ? value : undefined);
  }
  made.gpio.buttons = buttons.read();
  made.timetable = hours.read();
  return made;
}

/** The signals of the codebook that is chosen, with the village's own. */
function signals(made) {
  const found = new Map((books.find((book) => book.name === field("use").value)?.signals ?? []).map((one) => [one.id, one]));
  for (const [name, one] of Object.entries(made.codebook?.signals ?? {})) {
    if (one.remove) found.delete(name);
    else if (found.has(name) || one.name) {
      const calm = one.kind ? ["curfew", "routine"].includes(one.kind) : found.get(name)?.calm;
      found.set(name, { id: name, vi: one.name ?? found.get(name)?.vi ?? name, en: one.name_en ?? found.get(name)?.en ?? name, calm });
    }
  }
  return [...found.values()].map((one) => ({ ...one, title: english ? one.en : one.vi }));
}

function body() {
  const villages = [...form.querySelectorAll("[name=village]:checked")];
  const households = {};
  for (const one of villages) if (one.dataset.households) households[one.value] = Number(one.dataset.households);
  const template = field("template").value.trim();
  return {
    new: mode === "new", name: field("name").value.trim() || null, villages: villages.map((one) => one.value), households,
    sounder: field("sounder").checked, page: field("page").value.trim() || null,
    page_names: field("names").value.split(/[\s,]+/).filter(Boolean),
    broker_host: field("broker-host").value, broker_port: Number(field("broker-port").value) || null,
    ...(template ? { template: field("template").value } : { tables: tables() }),
  };
}

// ---- what follows from what

const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase()
  .replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

function propose() {
  if (mode === "new" && !field("id").dataset.touched) {
    const wanted = plain(field("name").value).replace(/^(diem-)?(keng|coi)-/, "").slice(0, 36).replace(/-$/, "");
    let made = wanted;
    for (let n = 2; taken.includes(made); n += 1) made = `${wanted}-${n}`;
    field("id").value = made;
  }
  const post = field("id").value;
  field("local").textContent = post ? `${post}.local` : "";
  if (!field("page").dataset.touched && !(mode !== "new" && field("page").defaultValue)) {
    const host = field("names").value.split(/[\s,]+/).filter(Boolean)[0] ?? (post && `${post}.local`);
    field("page").value = host ? `http://${host.includes(":") ? `[${host}]` : host}:${base.web?.port ?? 8480}/vi-sao` : "";
  }
}

function follow() {
  propose();
  const kind = kindNow();
  for (const part of own.querySelectorAll("[data-of]")) part.hidden = part.dataset.of !== kind;
  own.hidden = field("template").value.trim() !== "";
  const made = tables();
  const found = signals(made);
  field("signals").textContent = found.map((one) => one.title).join(", ");
  buttons.choose([...found, { id: "hush", title: form.dataset.hush }]);
  hours.choose(found.filter((one) => one.calm));
  showPins(form, usedPins(form.dataset, tables()));
}

// ---- asking the post's own reader

let timer = 0;
let asking = 0;

function soon() {
  clearTimeout(timer);
  timer = setTimeout(check, SOON_MS);
}

async function check() {
  const post = field("id").value.trim();
  if (!post || !field("name").value.trim()) return;
  const turn = asking += 1;
  const done = await act(`/api/posts/${encodeURIComponent(post)}/draft`, body());
  if (turn !== asking) return;
  if (done.ok) return show(done.data);
  if (done.status) show({ problems: [{ where: "", vi: refusal(done.data), cure: "" }], warnings: [], settings: null });
  return undefined;
}

/** The field that a complaint is about, or the nearest above it. */
function fieldOf(where) {
  for (let path = where; path; path = path.replace(/(\.[^.[]+|\[\d+\])$|^[^.[]+$/, "")) {
    const found = form.querySelector(`[data-where="${CSS.escape(path)}"]:not([data-kind]), [data-about="${CSS.escape(path)}"], [data-where="${CSS.escape(path)}"][data-kind="${kindNow()}"]`);
    if (found) return found;
  }
  return null;
}

function labelOf(one) {
  const label = one.labels?.[0];
  const text = [...(label?.childNodes ?? [])].find((node) => node.textContent.trim())?.textContent.trim();
  return [one.closest(".entry-row")?.querySelector("legend").textContent, text].filter(Boolean).join(", ");
}

function show({ problems, warnings, settings }) {
  wrong = problems.length > 0;
  for (const old of form.querySelectorAll(".problem")) old.remove();
  for (const old of form.querySelectorAll("[aria-invalid]")) {
    old.removeAttribute("aria-invalid");
    old.removeAttribute("aria-describedby");
  }
  const lines = (list, bad) => list.map((one, n) => {
    const text = [one.vi, one.cure].filter(Boolean).join(" → ");
    const item = document.createElement("li");
    item.className = bad ? "bad" : "";
    const about = bad && !own.hidden ? fieldOf(one.where) : bad ? fieldOf(one.where.startsWith("post") ? one.where : "template") : null;
    if (about) {
      const note = document.createElement("p");
      note.className = "problem bad";
      note.id = `problem-${n}`;
      note.textContent = text;
      about.setAttribute("aria-invalid", "true");
      about.setAttribute("aria-describedby", note.id);
      (about.closest("label") ?? about).after(note);
      about.id ||= `field-${n}`;
      const link = Object.assign(document.createElement("a"), { href: `#${about.id}`, textContent: labelOf(about) });
      item.append(link, `: ${text}`);
    } else item.textContent = [one.line && field("template").value.trim() ? `${one.line}:` : "", one.where, text].filter(Boolean).join(" ");
    return item;
  });
  field("problems").replaceChildren(...lines(problems, true));
  field("warnings").replaceChildren(...lines(warnings, false));
  const verdict = field("verdict");
  verdict.textContent = wrong ? `✗ ${form.dataset.wrong}` : `✓ ${form.dataset.good}`;
  verdict.className = wrong ? "state bad" : "state good";
  if (settings !== null) field("preview").textContent = settings;
}

// ---- the file, once

let making = false;

async function make() {
  const wanted = keepers.read();
  const bad = wanted.find((one) => (one.pin || one.again) && !(one.pin === one.again && /^[0-9]{6}$/.test(one.pin)));
  if (bad) return say(`${form.dataset.differs} ${bad.name}`, true);
  const post = field("id").value.trim();
  const order = { ...body(), id, keep_old: mode === "renew", keepers: wanted.map(({ again: _, pin, ...one }) => ({ ...one, pin: pin || null })) };
  const headers = { "Content-Type": "application/json", "X-Kengd-Csrf": document.body.dataset.csrf };
  let answer;
  try {
    answer = await fetch(`/api/posts/${encodeURIComponent(post)}/enrol`, {
      method: "POST", headers, body: JSON.stringify(order), credentials: "same-origin", cache: "no-store",
    });
  } catch {
    return say(word("noAnswer"), true);
  }
  if (!answer.ok) {
    if (answer.status === 409) id = newId();
    return say(refusal(await answer.json()), true);
  }
  return given(post, await answer.blob(), answer.headers.get("X-Kengd-Page-Fingerprint") ?? "", wanted.filter((one) => one.pin));
}

function given(post, blob, mark, pins) {
  say("");
  form.hidden = true;
  field("done").hidden = false;
  const link = field("file");
  link.href = URL.createObjectURL(blob);
  link.click();
  field("pins-once").hidden = !pins.length;
  field("pins-list").replaceChildren(...pins.map((one) => {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("dt"), { textContent: one.name }));
    box.append(Object.assign(document.createElement("dd"), { textContent: one.pin }));
    return box;
  }));
  field("fingerprint").textContent = (mark.toUpperCase().match(/.{4}/g) ?? []).join(" ");
  field("public").hidden = !field("page").value.trim();
  field("public").querySelector("img").src = `/phan/diem-keng/${post}/dan.svg`;
  field("keeper").querySelector("img").src = `/phan/diem-keng/${post}/giu.svg`;
  field("to-post").href = `/diem-keng/${post}/xem`;
  field("wait").dataset.post = post;
  field("done-title").focus();
  look();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearTimeout(timer);
  const empty = [field("name"), field("id")].find((one) => !one.value.trim());
  if (empty) {
    empty.focus();
    return say(form.dataset.missing, true);
  }
  if (making) return undefined;
  making = true;
  try {
    return await checkedAndMade();
  } finally {
    making = false;
  }
});

async function checkedAndMade() {
  await check();
  if (wrong) {
    form.querySelector("[aria-invalid]")?.focus();
    return say(form.dataset.wrong, true);
  }
  const bare = withoutPin();
  if (bare.length && !confirm(`${form.dataset.noPin} ${bare.join(", ")}. ${form.dataset.goOn}`)) return undefined;
  if (form.dataset.sure && !confirm(form.dataset.sure)) return undefined;
  field("make").disabled = true;
  await make();
  field("make").disabled = false;
  return undefined;
}

// ---- beginning

for (const name of ["id", "page"]) field(name).addEventListener("input", () => { field(name).dataset.touched = "1"; });
form.addEventListener("input", () => { follow(); soon(); });
form.addEventListener("change", (event) => {
  if (event.target.name === "kind" && field("use").value === (event.target.value === "siren" ? "cong_lac" : "coi_hu")) {
    field("use").value = event.target.value === "siren" ? "coi_hu" : "cong_lac";
  }
  follow();
  soon();
});
form.addEventListener("rows", () => { follow(); soon(); });
field("start")?.addEventListener("change", () => {
  location.assign(field("start").value ? `/diem-keng/moi?theo=${field("start").value}` : "/diem-keng/moi");
});
field("template-file").addEventListener("change", async (event) => {
  field("template").value = (await event.target.files[0]?.text()) ?? "";
  follow();
  soon();
});
field("add-village").addEventListener("click", () => {
  const name = field("new-village").value.trim();
  if (!name) return field("new-village").focus();
  const label = document.createElement("label");
  label.className = "choice";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "village", value: name, checked: true });
  box.dataset.households = field("new-households").value;
  label.append(box, ` ${name}`);
  field("add-village").closest("fieldset").querySelector(".fields").append(label);
  field("new-village").value = field("new-households").value = "";
  return soon();
});

showPins(form, new Map());
form.querySelector(`[name=kind][value=${base.bell?.kind === "siren" ? "siren" : "striker"}]`).checked = true;
for (const one of fixed()) {
  const value = one.dataset.kind && one.dataset.kind !== base.bell?.kind ? undefined : at(base, one.dataset.where);
  if (one.type === "checkbox") one.checked = value === true;
  else if (one.tagName === "SELECT" && value !== undefined && !one.classList.contains("gpio") && ![...one.options].some((option) => option.value === value)) one.add(new Option(value, value, true, true));
  else if (value !== undefined || one.dataset.default) one.value = value ?? one.dataset.default;
}
buttons.fill(base.gpio?.buttons ?? []);
hours.fill(base.timetable ?? []);
keepers.fill(JSON.parse(field("keepers")?.dataset.kept ?? "[]"));
follow();
check();
