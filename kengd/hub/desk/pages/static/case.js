// Calls noted down, outcomes written, an incident taken or closed.

import { newId } from "./send.js";
import { act } from "./desk.js";
import { wire } from "./part.js";

const value = (id) => document.getElementById(id).value.trim();
const call = document.getElementById("tin-bao");
const outcome = document.getElementById("outcome");
let id = newId();

call?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { id, text: value("call-text"), village: value("call-village") || null };
  const done = await act("/api/incidents", body);
  if (done.ok) location.assign(`/vu-viec/${done.data.id}`);
  else if (done.status === 409) id = newId();
});

outcome?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { kind: value("kind"), done: value("done"), done_by: value("done-by"), text: value("text") };
  if ((await act(outcome.dataset.url, body)).ok) location.reload();
});

wire(document, () => location.reload());
