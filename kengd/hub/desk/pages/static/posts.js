// Posts: cards that stay true, and what can be done with one: tested, silenced, a button locked, shut out.

import { newId } from "./send.js";
import { act } from "./desk.js";
import { say } from "./say.js";
import { age, clockTime, listen, serverNow } from "./live.js";
import { part } from "./part.js";

const SOON_MS = 400;
const field = (id) => document.getElementById(id);
const english = document.documentElement.lang === "en";

/** The dialog of this name about a post; resolves true when it was sent. */
function asked(dialog, button) {
  dialog.querySelector(".of").textContent = button.closest("[data-name]")?.dataset.name ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
  });
}

async function told(url, order) {
  if ((await act(url, order)).ok) location.assign(`/lenh/${order.id}`);
}

const deeds = {
  async test(post, button) {
    await told("/api/rings", { id: newId(), signal: "alarm", purpose: "test", posts: [post], why: button.textContent.trim() });
  },
  async silence(post, button) {
    const order = { id: newId() };
    if (!(await asked(field("silence"), button))) return;
    const hours = Number(field("silence-for").value);
    order.until = hours ? Math.floor(serverNow() / 1000 + hours * 3600) : 0;
    order.why = field("silence-why").value.trim() || null;
    await told(`/api/posts/${post}/silence`, order);
  },
  async lock(post, button) {
    const order = { id: newId() };
    const choice = field("lock-button");
    const buttons = JSON.parse(await part(`/phan/diem-keng/${post}/nut`));
    if (!buttons.length) return say(choice.dataset.none, true);
    choice.replaceChildren(...buttons.map((one) => {
      const option = new Option([one.name, one.place, one.locked ? choice.dataset.locked : ""].filter(Boolean).join(", "), one.name);
      option.dataset.locked = one.locked ? "1" : "";
      return option;
    }));
    if (!(await asked(field("lock"), button))) return undefined;
    order.button = choice.value;
    order.locked = !choice.selectedOptions[0].dataset.locked;
    order.why = field("lock-why").value.trim() || null;
    return told(`/api/posts/${post}/lock-input`, order);
  },
  async revoke(post, button) {
    if (!(await asked(field("revoke"), button))) return;
    const done = await act(`/api/posts/${post}/revoke`, { why: field("revoke-why").value.trim() });
    if (done.ok) say(english ? done.data.broker_en : done.data.broker_vi, true);
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-test], button[data-silence], button[data-lock], button[data-revoke]");
  if (!button) return;
  for (const [name, deed] of Object.entries(deeds)) if (button.dataset[name]) deed(button.dataset[name], button);
});

field("renew")?.addEventListener("click", async () => {
  const button = field("renew");
  if (!confirm(button.dataset.sure)) return;
  const done = await act("/api/certificates/renew", { all: true });
  if (done.ok) say(`${button.dataset.done} ${done.data.renewed.join(", ")}. ${(english ? done.data.broker_en : done.data.broker_vi) ?? ""}`, true);
});

function filter() {
  const find = (field("find")?.value ?? "").trim().toLowerCase();
  const only = field("only")?.checked ?? false;
  let shown = 0;
  for (const card of document.querySelectorAll("#posts .card")) {
    card.hidden = !card.dataset.find.includes(find) || (only && card.dataset.looks === "ready");
    shown += !card.hidden;
  }
  for (const group of document.querySelectorAll("#posts > section")) group.hidden = !group.querySelector(".card:not([hidden])");
  const count = field("count");
  if (count) count.textContent = shown;
}
field("find")?.addEventListener("input", filter);
field("only")?.addEventListener("change", filter);

const wanted = new Set();
let timer = 0;
const soon = () => { timer ||= setTimeout(refresh, SOON_MS); };

/** Cards anew; not the one in which somebody is about to press something. */
async function refresh() {
  const ids = [...wanted].filter((id) => field(`may-${id}`)).slice(0, 200);
  for (const id of ids) wanted.delete(id);
  try {
    if (ids.length) {
      const box = document.createElement("template");
      box.innerHTML = await part(`/phan/diem-keng?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`);
      for (const card of box.content.querySelectorAll(".card")) {
        const old = field(card.id);
        if (old.contains(document.activeElement)) wanted.add(card.id.slice(4));
        else {
          card.querySelector("details").open = old.querySelector("details").open;
          old.replaceWith(card);
        }
      }
      age(document);
      filter();
    }
    await look();
  } catch {
    for (const id of ids) wanted.add(id);
  }
  timer = wanted.size ? setTimeout(refresh, 2000) : 0;
}

const wait = field("wait");

/** Has the post come yet? */
export async function look() {
  const post = wait?.dataset.post;
  if (!post || wait.contains(document.activeElement)) return;
  const html = await part(`/phan/diem-keng/${post}/cho`);
  if (wait.innerHTML !== html) wait.innerHTML = html;
  age(wait);
}

listen(`/api/live?after=${document.body.dataset.place}`, (topic, data) => {
  if (topic === "heartbeat") {
    document.getElementById("line").textContent = clockTime(serverNow());
    return undefined;
  }
  if (topic === "signed_out") return location.assign("/vao");
  if (topic === "post") wanted.add(data.post);
  else if (topic === "entry") for (const post of data.posts) wanted.add(post);
  else if (topic === "reset" || topic === "book") for (const card of document.querySelectorAll("#posts .card")) wanted.add(card.id.slice(4));
  return soon();
});
