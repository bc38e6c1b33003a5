// A codebook or a timetable on its way: posts chosen, one sentence read, held, sent once, followed.

import { newId, refusal } from "./send.js";
import { act } from "./desk.js";
import { holdToFire } from "./hold.js";
import { say } from "./say.js";

const form = document.getElementById("settle");
const dialog = document.getElementById("sure");
const fire = document.getElementById("fire");
const boxes = [...form.querySelectorAll("[name=post]")];
let order = null;

for (const group of form.querySelectorAll("[name=group], [name=all]")) {
  group.addEventListener("change", () => {
    const posts = group.dataset.posts.split(" ");
    for (const box of boxes) if (posts.includes(box.value)) box.checked = group.checked;
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const posts = boxes.filter((box) => box.checked).map((box) => box.value);
  const { what, number, rev, version } = form.dataset;
  const query = new URLSearchParams({ so: number });
  for (const post of posts) query.append("post", post);
  const answer = await fetch(`/phan/gui/${what}?${query}`, { cache: "no-store", credentials: "same-origin" });
  const told = await answer.json();
  if (!answer.ok) return say(refusal(told), true);
  order = { id: newId(), number: Number(number), posts, ...(version ? { version: Number(version) } : { rev }) };
  document.getElementById("sentence").textContent = told.sentence;
  document.getElementById("warnings").replaceChildren(...told.silent.map((one) => {
    const item = document.createElement("li");
    item.className = "bad";
    item.textContent = `✗ ${one.name}: ${one.why}`;
    return item;
  }));
  say("");
  dialog.showModal();
  fire.focus();
  return undefined;
});

const end = holdToFire(fire, async () => {
  fire.disabled = true;
  const done = await act(`/api/codes/${form.dataset.what}/sends`, order);
  fire.disabled = false;
  if (done.ok) location.assign(`/lenh/${order.id}`);
  else if (done.status === 409) dialog.close();
});
document.getElementById("back").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", end);
