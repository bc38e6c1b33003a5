// The timetable in the making: the next two weeks as they would ring, by the rooms that ring for real.

import { send } from "./send.js";
import { act } from "./desk.js";
import { say } from "./say.js";

const WAIT_MS = 350;
const WEEK = ["t2", "t3", "t4", "t5", "t6", "t7", "cn"];
const form = document.getElementById("hours");
const places = document.getElementById("lines");
const table = document.getElementById("days");
const field = (place, name) => place.querySelector(`[name=${name}]`);
let rev = form.dataset.rev;
let unsaved = false;
let timer = 0;
let turn = 0;

/** "t2-t6,cn" ticked; what it cannot tell leaves all days ticked, and the officer sees it. */
function tick(place) {
  const said = place.querySelector(".days").dataset.days;
  const chosen = new Set();
  for (const part of said.split(",")) {
    const [from, to] = part.trim().split("-").map((day) => WEEK.indexOf(day));
    for (let day = from; day >= 0 && day <= (to ?? from); day += 1) chosen.add(WEEK[day]);
  }
  for (const box of place.querySelectorAll("[name=day]")) box.checked = !chosen.size || chosen.has(box.value);
}

function lines() {
  return [...places.querySelectorAll(".line-fields")].map((place) => {
    const days = [...place.querySelectorAll("[name=day]:checked")].map((box) => box.value);
    return {
      at: ["hour", "minute"].map((name) => field(place, name).value.padStart(2, "0")).join(":"), signal: field(place, "signal").value,
      days: days.length === WEEK.length ? "daily" : days.join(","),
      grace_s: Math.round((Number(field(place, "grace").value) || 0) * 60),
      except: field(place, "except").value.split(";").map((text) => text.trim()).filter(Boolean),
    };
  });
}

function cell(text, kind = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = kind;
  return made;
}

function row(day, n) {
  const made = document.createElement("tr");
  const [year, month, date] = day.day.split("-").map(Number);
  const rings = day.rings.map((ring) => `${ring.at} ${ring.name}${ring.held === null ? "" : ` (${form.dataset.held} “${ring.held}”)`}`);
  const sounds = day.rings.some((ring) => ring.held === null);
  const when = n ? day.weekday : form.dataset.today;
  made.append(cell(`${when} ${date}/${month}/${year}`), cell(day.lunar, "soft"), cell(rings.join("; ") || form.dataset.none, sounds ? "" : "bad"));
  return made;
}

async function look() {
  const mine = turn += 1;
  const done = await send("POST", "/api/codes/days", { lines: lines() }, true);
  if (!done.ok || mine !== turn) return;
  const wrong = new Map(done.data.problems.map((one) => [one.line, one]));
  [...places.querySelectorAll(".line-fields")].forEach((place, n) => {
    const one = wrong.get(n);
    place.querySelector(".problem").textContent = one ? [one.vi, one.cure].filter(Boolean).join(": ") : "";
  });
  table.replaceChildren(...done.data.days.map(row));
}

function wire(place) {
  tick(place);
  place.querySelector(".drop").addEventListener("click", () => {
    place.remove();
    changed();
  });
}

function changed() {
  unsaved = true;
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
}

async function keep() {
  if (!form.reportValidity()) return false;
  const done = await act("/api/codes/timetable/draft", { rev, lines: lines() }, "PUT");
  if (!done.ok) return false;
  rev = done.data.rev;
  unsaved = false;
  history.replaceState(null, "", location.pathname); // opened again it is the draft, not what it began from
  return true;
}

form.addEventListener("input", changed);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await keep()) say(form.dataset.kept);
});
document.getElementById("go").addEventListener("click", async () => {
  if (await keep()) location.assign("/hieu-lenh/gui/timetable");
});
document.getElementById("add").addEventListener("click", () => {
  const made = document.getElementById("blank").content.firstElementChild.cloneNode(true);
  places.append(made);
  wire(made);
  changed();
  field(made, "hour").focus();
});
document.getElementById("strike")?.addEventListener("click", async () => {
  const done = await act("/api/codes/timetable/draft/strike", { rev });
  unsaved = false;
  if (done.ok) location.assign("/hieu-lenh");
});
for (const place of places.querySelectorAll(".line-fields")) wire(place);
look();
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
