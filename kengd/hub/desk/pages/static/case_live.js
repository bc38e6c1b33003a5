// One incident, as it changes: who has it, what sounds, what its orders came to.

import "./clear.js";
import { listen } from "./live.js";
import { part, show, wire } from "./part.js";

const SOON_MS = 150;
const facts = document.getElementById("facts");
let timer = 0;

async function refresh() {
  timer = 0;
  try {
    if (!show(facts, await part(`/phan/vu-viec/${facts.dataset.id}`), soon)) soon();
  } catch {
    timer = setTimeout(refresh, 1000);
  }
}

function soon() {
  timer ||= setTimeout(refresh, SOON_MS);
}

wire(facts, soon);
listen(`/api/live?after=${document.body.dataset.place}`, (topic) => {
  if (topic === "signed_out") location.assign("/vao");
  else if (topic !== "heartbeat") soon();
});
