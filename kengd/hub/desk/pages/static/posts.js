// Posts let in and shut out, silenced and tested. The file of a post is given once: it goes straight to the disk of this browser.

import { newId, refusal } from "./send.js";
import { act } from "./desk.js";
import { say, word } from "./say.js";

const form = document.getElementById("enrol");
const field = (id) => document.getElementById(id);
let id = newId();

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const post = field("post-id").value.trim();
  const villages = field("post-villages").value.split(",").map((name) => name.trim()).filter(Boolean);
  const body = { id, name: field("post-name").value.trim(), ...(villages.length ? { villages } : {}) };
  const headers = { "Content-Type": "application/json", "X-Kengd-Csrf": document.body.dataset.csrf };
  let answer;
  try {
    answer = await fetch(`/api/posts/${encodeURIComponent(post)}/enrol`, {
      method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin",
    });
  } catch {
    return say(word("noAnswer"), true);
  }
  if (!answer.ok) {
    if (answer.status === 409) id = newId();
    return say(refusal(await answer.json()), true);
  }
  id = newId();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = "kengd.toml";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return say(`kengd.toml: ${post}`);
});

field("post-id")?.addEventListener("change", () => {
  const known = [...document.querySelectorAll("#post-ids option")].find((one) => one.value === field("post-id").value);
  if (!known) return;
  field("post-name").value = known.dataset.name;
  field("post-villages").value = known.dataset.villages;
});

for (const button of document.querySelectorAll("[data-test]")) {
  button.addEventListener("click", async () => {
    const order = { id: newId(), signal: "alarm", purpose: "test", posts: [button.dataset.test], why: button.textContent };
    if ((await act("/api/rings", order)).ok) location.assign(`/lenh/${order.id}`);
  });
}

for (const button of document.querySelectorAll("[data-silence]")) {
  button.addEventListener("click", async () => {
    const hours = Number(prompt(button.dataset.hours, "2"));
    if (!Number.isFinite(hours) || hours < 0) return;
    const until = hours ? Math.floor(Date.now() / 1000 + hours * 3600) : 0;
    const order = { id: newId(), until };
    if ((await act(`/api/posts/${button.dataset.silence}/silence`, order)).ok) location.assign(`/lenh/${order.id}`);
  });
}

for (const button of document.querySelectorAll("[data-revoke]")) {
  button.addEventListener("click", async () => {
    const why = prompt(button.dataset.why, "");
    if (!why) return;
    const done = await act(`/api/posts/${button.dataset.revoke}/revoke`, { why });
    if (done.ok) say(document.documentElement.lang === "en" ? done.data.broker_en : done.data.broker_vi, true);
  });
}
