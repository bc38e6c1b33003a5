// The whole hub as one file: made, looked into, put in place of the present one. A passphrase goes in a header or a body, never in an address.

import { clockTime, age } from "./live.js";
import { act, askToUnlock } from "./desk.js";
import { refusal } from "./send.js";
import { say, word } from "./say.js";
import { wireForms } from "./forms.js";

const field = (id) => document.getElementById(id);
const found = field("found");
const restore = field("restore");
const AGAIN_MS = 1000;

/** As `act`, for files in either direction; null: nothing came of it, and it has been said. */
async function exchange(url, headers, body) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST", body, cache: "no-store", credentials: "same-origin",
      headers: { "X-Kengd-Csrf": document.body.dataset.csrf, ...headers },
    });
  } catch {
    say(word("noAnswer"), true);
    return null;
  }
  if (answer.ok) return answer;
  const data = await answer.json().catch(() => ({}));
  if (data.error === "session_locked") askToUnlock();
  say(refusal(data), true);
  return null;
}

async function busy(form, work) {
  const button = form.querySelector("button");
  const own = button.textContent;
  button.disabled = true;
  button.textContent = button.dataset.busy ?? own;
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.textContent = own;
  }
}

/** How hard it would be to guess, roughly: the length counts, and that it is not the same few signs. */
function strength(text, words) {
  const different = new Set(text.toLowerCase()).size;
  if (text.length < Number(words.least)) return ["bad", words.short];
  if (different < 6 || text.length < 16) return ["bad", words.weak];
  return different < 10 || text.length < 24 ? ["", words.fair] : ["good", words.strong];
}

const form = field("backup");
field("pass").addEventListener("input", () => {
  const [look, text] = strength(field("pass").value, form.dataset);
  field("strength").className = look;
  field("strength").textContent = field("pass").value ? text : "";
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const again = field("pass-again");
  if (again.value !== field("pass").value) return say(again.dataset.differs, true);
  return busy(form, async () => {
    const body = JSON.stringify({ passphrase: field("pass").value });
    const answer = await exchange("/api/backup", { "Content-Type": "application/json" }, body);
    if (!answer) return;
    const link = document.createElement("a");
    link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "kengd.zip";
    link.href = URL.createObjectURL(await answer.blob());
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    form.reset();
    field("strength").textContent = "";
    say(`${form.querySelector("button").dataset.done} ${link.download}`);
  });
});

const sealed = () => ({
  "Content-Type": "application/zip", "X-Kengd-Passphrase": encodeURIComponent(field("check-pass").value),
});

function line(tag, text, look = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = look;
  return made;
}

function shown(data) {
  const words = found.dataset;
  const day = new Date(data.made_ms).toLocaleDateString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh" });
  const rows = ["entry", "incident", "post", "village", "keeper", "officer", "audit"];
  const parts = [
    line("p", `✓ ${words.title}`, "sentence good"),
    line("p", `${words.made}: ${clockTime(data.made_ms)} ${day} · ${words.by}: ${data.by_name || "?"} · ${words.version}: ${data.version}`),
    line("p", `${words.rows}: ${rows.map((name) => `${data.rows[name] ?? 0} ${words[name]}`).join(", ")}.`),
  ];
  if (!data.commune_fits) parts.push(line("p", words.otherCommune, "banner bad"));
  else if (!data.fits) parts.push(line("p", words.otherRelease, "banner bad"));
  if (data.settings_same === false) parts.push(line("p", words.differs, "banner"));
  parts.push(line("p", data.since.length ? words.later : words.nothing));
  const list = document.createElement("ul");
  const english = document.documentElement.lang === "en";
  for (const one of data.since) list.append(line("li", `${one.when} ${one.by_name}: ${english ? one.said_en : one.said}`));
  parts.push(list);
  found.replaceChildren(...parts);
  restore.hidden = !data.fits;
}

field("check").addEventListener("submit", (event) => {
  event.preventDefault();
  restore.hidden = true;
  found.replaceChildren();
  busy(event.currentTarget, async () => {
    const answer = await exchange("/api/backup/check", sealed(), field("file").files[0]);
    if (answer) shown(await answer.json());
  });
});
for (const id of ["file", "check-pass"]) field(id).addEventListener("input", () => { restore.hidden = true; });

/** The hub is not there for some seconds; then everybody signs in anew. */
async function waitForIt(restarts) {
  if (!restarts) {
    say(restore.dataset.byHand, true);
    return;
  }
  say(restore.dataset.back, true);
  await new Promise((done) => setTimeout(done, 4 * AGAIN_MS));
  for (;;) {
    try {
      await fetch("/healthz", { cache: "no-store" });
      break;
    } catch {
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
  location.assign("/vao");
}

restore.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(restore, async () => {
    const headers = { ...sealed(), "X-Kengd-Commune": encodeURIComponent(field("commune-id").value.trim()) };
    const answer = await exchange("/api/backup/restore", headers, field("file").files[0]);
    if (answer) await waitForIt((await answer.json()).restarts);
  });
});

for (const button of document.querySelectorAll("[data-undo]")) {
  button.addEventListener("click", async () => {
    if (!confirm(button.dataset.sure)) return;
    const done = await act("/api/backup/undo", { name: button.dataset.undo });
    if (done.ok) await waitForIt(done.data.restarts);
  });
}
wireForms();
age();
