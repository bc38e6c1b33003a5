// The first steps: forms that go where they say, a village's id out of its name, a silent test.

import { newId } from "./send.js";
import { act } from "./desk.js";
import { wireForms } from "./forms.js";

const adding = document.getElementById("new-village");

/** "Thôn Đông Hạ" → "thon-dong-ha", as the shell makes it; another number behind it where there is one already. */
function idOf(name) {
  const plain = name.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
  const base = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 36) || "thon";
  const taken = new Set([...document.querySelectorAll("form.village:not(#new-village)")].map((form) => form.dataset.send.split("/").pop()));
  let id = base;
  for (let n = 2; taken.has(id); n += 1) id = `${base}-${n}`;
  return id;
}

// Before the form is sent: its address is known only then.
adding.dataset.send = "PUT /api/villages/";
document.getElementById("new-name").addEventListener("input", (event) => {
  adding.dataset.send = `PUT /api/villages/${idOf(event.target.value)}`;
});

for (const button of document.querySelectorAll("[data-test]")) {
  button.addEventListener("click", async () => {
    const order = { id: newId(), signal: "alarm", purpose: "test", posts: [button.dataset.test], why: button.textContent };
    if ((await act("/api/rings", order)).ok) location.assign(`/lenh/${order.id}`);
  });
}
wireForms();
