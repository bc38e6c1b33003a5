// Calls noted down, outcomes written, an incident taken or closed.

import { newId } from "./send.js";
import { act, once } from "./desk.js";
import { wire } from "./part.js";

const value = (id) => document.getElementById(id).value.trim();
const call = document.getElementById("tin-bao");
const outcome = document.getElementById("outcome");
let id = newId();
let outcomeId = newId();

call?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { id, text: value("call-text"), village: value("call-village") || null };
  const done = await once(call, () => act("/api/incidents", body));
  if (done.ok) location.assign(`/vu-viec/${done.data.id}`);
  else if (done.status === 409) id = newId();
});

outcome?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { id: outcomeId, kind: value("kind"), done: value("done"), done_by: value("done-by"), text: value("text") };
  const done = await once(outcome, () => act(outcome.dataset.url, body));
  if (done.ok) location.reload();
  else if (done.status === 409) outcomeId = newId();
});

wire(document, () => location.reload());
