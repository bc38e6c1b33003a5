// The order: chosen, read in one sentence, held, sent once.

import { newId, refusal, send } from "./send.js";
import { act } from "./desk.js";
import { holdToFire } from "./hold.js";
import { say } from "./say.js";

const form = document.getElementById("ring");
const dialog = document.getElementById("sure");
const fire = document.getElementById("fire");
const words = fire.firstElementChild;
const second = document.getElementById("second");
let order = null;
let waiting = 0;

const boxes = [...form.querySelectorAll("input[name=post]")];
const marks = [...form.querySelectorAll("[data-marks]")];

/** What is ticked, in exactly one of the ways that the API takes. */
function where(data) {
  return data.get("all") ? { all: true } : { posts: data.getAll("post") };
}

/** A village or a group is a quick way to tick its posts: it stands ticked exactly while all of them are. */
function marked() {
  const ticked = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  for (const mark of marks) {
    const count = mark.dataset.marks.split(" ").filter((post) => ticked.has(post)).length;
    mark.checked = count === mark.dataset.marks.split(" ").length;
    mark.indeterminate = count > 0 && !mark.checked;
  }
}

form.addEventListener("change", ({ target }) => {
  if (target.dataset.marks) {
    const own = new Set(target.dataset.marks.split(" "));
    for (const box of boxes) if (own.has(box.value)) box.checked = target.checked;
  }
  if (target.name === "all") for (const box of [...boxes, ...marks]) box.disabled = target.checked;
  marked();
});
marked();

function asked(chosen) {
  const query = new URLSearchParams();
  if (chosen.all) query.set("all", "true");
  for (const post of chosen.posts ?? []) query.append("post", post);
  return query;
}

/** A reason that says another purpose than the one that is ticked (R62): asked in red before anything is held. */
function doubtful({ purpose, why }) {
  const drill = /(^|[^\p{L}])(diễn tập|tập dượt|thử|kiểm tra|drill|test)([^\p{L}]|$)/iu.test(why.normalize("NFC"));
  if (purpose === "actual" && drill) return [form.dataset.notDrill];
  const actual = /(^|[^\p{L}])(thật|real)([^\p{L}]|$)/iu.test(why.normalize("NFC"));
  return purpose !== "actual" && actual ? [form.dataset.notActual] : [];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const chosen = where(data);
  if (chosen.posts?.length === 0) return say(form.dataset.nowhere, true);
  const query = asked(chosen);
  query.set("signal", data.get("signal"));
  query.set("purpose", data.get("purpose"));
  const answer = await fetch(`/phan/cau?${query}`, { cache: "no-store", credentials: "same-origin" });
  const told = await answer.json();
  if (!answer.ok) return say(refusal(told), true);
  order = {
    id: newId(), signal: data.get("signal"), purpose: data.get("purpose"), why: document.getElementById("why").value.trim(),
    ...chosen, ...(form.dataset.incident ? { incident: form.dataset.incident } : {}),
  };
  document.getElementById("sentence").textContent = told.sentence;
  const doubt = doubtful(order);
  const lines = [...doubt, ...told.silent.map((one) => `✗ ${one.name}: ${one.why}`), ...told.lacking.map((name) => `✗ ${name}`)];
  document.getElementById("warnings").replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.className = "bad";
    item.textContent = line;
    return item;
  }));
  fire.className = `hold ${{ actual: "alarm", drill: "drill", test: "test" }[order.purpose]}`;
  words.textContent = words.dataset[order.purpose];
  second.textContent = "";
  document.getElementById("alone").classList.add("hidden");
  say("");
  dialog.showModal();
  fire.focus();
});

async function go() {
  fire.disabled = true;
  const alone = document.getElementById("alone-why").value.trim();
  const done = await act("/api/rings", alone ? { ...order, alone_why: alone } : order);
  fire.disabled = false;
  if (done.ok) {
    order = { id: order.id };
    return location.assign(`/lenh/${order.id}`);
  }
  if (done.data.error === "confirm_lapsed") return lapsed(refusal(done.data));
  if (done.data.error !== "confirm_needed") return undefined;
  order = { ...order, confirm: done.data.token };
  second.textContent = refusal(done.data);
  if (done.data.by_second) {
    document.getElementById("alone").classList.remove("hidden");
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (dialog.open) look(); }, 1000);
  }
  words.textContent = words.dataset.second;
  fire.focus();
  return undefined;
}

/** Nothing was sent: what has lapsed is asked for again only by a hand that holds again. */
function lapsed(text) {
  delete order.confirm;
  second.textContent = text;
  document.getElementById("alone").classList.add("hidden");
  words.textContent = words.dataset[order.purpose];
  fire.focus();
}

/** Closed without having fired: nobody else shall agree to what is not wanted any more. */
function withdraw() {
  if (order?.confirm) send("DELETE", `/api/confirmations/${order.confirm}`, undefined, true);
  order = null;
}

/** A second officer may have agreed meanwhile: then the order is sent again by itself, it was held once already. */
async function look() {
  const answer = await fetch("/api/confirmations", { cache: "no-store", credentials: "same-origin" });
  if (!answer.ok || !dialog.open) return;
  const { confirmations, agreed } = await answer.json();
  if (!dialog.open || !order?.confirm) return;
  if (agreed.includes(order.confirm)) await go();
  else if (confirmations.some((one) => one.token === order.confirm)) waiting = setTimeout(look, 1000);
  else lapsed(words.dataset.lapsed);
}

const end = holdToFire(fire, go);
document.getElementById("back").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  end();
  clearTimeout(waiting);
  withdraw();
});
document.getElementById("find-post")?.addEventListener("input", (event) => {
  const find = event.target.value.trim().toLowerCase();
  for (const line of form.querySelectorAll("label[data-find]")) {
    line.hidden = !line.dataset.find.includes(find) && !line.querySelector("input").checked;
  }
});
addEventListener("pageshow", (event) => { if (event.persisted && dialog.open) dialog.close(); });
