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
const alone = document.getElementById("alone");
const aloneWhy = document.getElementById("alone-why");
let order = null;
let waiting = 0;
let awaited = 0;
let sending = false;

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
  second.textContent = "";
  first();
  say("");
  dialog.showModal();
  fire.focus();
});

/** Held for the first time: nothing is awaited. */
function first() {
  clearTimeout(waiting);
  awaited = 0;
  aloneWhy.value = "";
  alone.classList.add("hidden");
  fire.disabled = false;
  words.textContent = words.dataset[order.purpose];
}

/** While a second officer is awaited a hold does something only for whoever has waited long enough, and says why alone. */
function aloneOrNot() {
  if (!awaited) return;
  const may = performance.now() - awaited > Number(alone.dataset.after) * 1000 && aloneWhy.value.trim() !== "";
  if (fire.disabled === !may) return;
  fire.disabled = !may;
  words.textContent = may ? words.dataset.alone : words.dataset.awaited;
}

async function go() {
  clearTimeout(waiting);
  fire.disabled = sending = true;
  const why = aloneWhy.value.trim();
  const done = await act("/api/rings", why ? { ...order, alone_why: why } : order);
  fire.disabled = sending = false;
  if (done.ok) {
    order = { id: order.id };
    return location.assign(`/lenh/${order.id}`);
  }
  if (done.data.error === "confirm_lapsed") return lapsed(refusal(done.data));
  if (done.data.error !== "confirm_needed") {
    if (awaited) words.textContent = words.dataset.second; // agreed to, or said why alone, and not known to have gone out
    return undefined;
  }
  order = { ...order, confirm: done.data.token };
  second.textContent = refusal(done.data);
  words.textContent = done.data.by_second ? words.dataset.awaited : words.dataset.second;
  if (!done.data.by_second) return fire.focus();
  fire.disabled = true;
  awaited ||= performance.now();
  alone.classList.remove("hidden");
  aloneOrNot();
  waiting = setTimeout(look, 1000);
  return second.focus(); // on no button: who still holds a key must not press another one
}

/** Nothing was sent: what has lapsed is asked for again only by a hand that holds again. */
function lapsed(text) {
  delete order.confirm;
  second.textContent = text;
  first();
  fire.focus();
}

/** Closed without having fired: nobody else shall agree to what is not wanted any more. */
function withdraw() {
  if (order?.confirm) send("DELETE", `/api/confirmations/${order.confirm}`, undefined, true);
  order = null;
}

/** A second officer may have agreed meanwhile: then the order is sent again by itself, it was held once already. */
async function look() {
  let told = null;
  try {
    const answer = await fetch("/api/confirmations", { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(4000) });
    if (answer.ok) told = await answer.json();
  } catch { /* asked again; the header says that the line is lost */ }
  if (!dialog.open || !order?.confirm || sending) return undefined;
  if (told?.agreed.includes(order.confirm)) return go();
  if (told && !told.confirmations.some((one) => one.token === order.confirm)) return lapsed(words.dataset.lapsed);
  aloneOrNot();
  waiting = setTimeout(look, 1000);
  return undefined;
}

aloneWhy.addEventListener("input", aloneOrNot);
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
