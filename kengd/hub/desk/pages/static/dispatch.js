// One order, live: what each post says, as it says it.

import { clockTime, listen, serverNow } from "./live.js";
import { drawBlows } from "./bell.js";
import { part, show, wire } from "./part.js";

const place = document.getElementById("dispatch");
let timer = 0;
let again = false;
let busy = false;

const soon = () => {
  again = true;
  if (!timer && !busy) timer = setTimeout(refresh, 100);
};

async function refresh() {
  timer = 0;
  busy = true;
  again = false;
  try {
    if (!show(place, await part(`/phan/lenh/${place.dataset.id}`), soon)) again = true;
  } catch {
    again = true;
    await new Promise((done) => setTimeout(done, 1000));
  }
  busy = false;
  if (again) soon();
}

listen(`/api/live?after=${document.body.dataset.place}`, (topic, data) => {
  if (topic === "heartbeat") document.getElementById("line").textContent = clockTime(serverNow());
  else if (topic === "signed_out") location.assign("/vao");
  else if (topic === "reset" || topic === "post" || (topic === "dispatch" && data.dispatch === place.dataset.id)) soon();
});
wire(place, soon);
drawBlows();
