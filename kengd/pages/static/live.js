// What changes, as it changes; and in red when it does not come any more: old data is never shown as new (P9).

import { word } from "./say.js";
import { crowded, holding, letGo, whenCrowded } from "./streams.js";

const LOST_MS = 4500;
const AGAIN_MS = 1000;
const STILL_MS = 20_000;

let ahead = 0;
let heard = performance.now();
let lost = false;
let heardAt = Date.now();
let listening = false;

/** Whether this page hears its news by a stream of its own. */
export function listens() {
  return listening;
}

/** The server's clock, unix ms. */
export function serverNow() {
  return Date.now() + ahead;
}

function took(data) {
  heard = performance.now();
  if (typeof data.now_ms === "number") {
    ahead = data.now_ms - Date.now();
    heardAt = data.now_ms;
  }
  if (lost) {
    lost = false;
    document.documentElement.classList.remove("is-lost");
  }
}

function look(onBack) {
  const silent = performance.now() - heard > LOST_MS;
  if (silent && !lost) {
    lost = true;
    document.documentElement.classList.add("is-lost");
    const place = document.getElementById("lost");
    if (place) place.textContent = `${word("lost")} ${clockTime(heardAt)}`;
    onBack.missed = true;
  }
}

/** "01:12:03" of the village's clock, wherever the reader's stands. */
export function clockTime(ms) {
  return new Date(ms).toLocaleTimeString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh", hour12: false });
}

/** "8 s", "3 phút": as long as it can still be counted by a reader. */
export function ageOf(ms) {
  const seconds = Math.max(0, Math.floor((serverNow() - ms) / 1000));
  if (seconds < 100) return `${seconds} ${word("unitSecond")}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes} ${word("unitMinute")}`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} ${word("unitHour")}` : `${Math.floor(hours / 24)} ${word("unitDay")}`;
}

/** All ages of this part of the page, by the server's clock. */
export function age(root = document) {
  for (const place of root.querySelectorAll("[data-since]")) {
    const text = ageOf(Number(place.dataset.since));
    if (place.textContent !== text) place.textContent = text;
  }
}

/**
 * Listen. `on(topic, data)`: a change; topic "reset": look at everything anew (also after a line that was lost). `url`: of the
 * server's events, with `after` where this page begins.
 */
export function listen(url, on) {
  const state = { missed: false };
  let source = null;
  listening = true;
  const open = () => {
    if (source && source.readyState !== EventSource.CLOSED) return;
    holding();
    source = new EventSource(url);
    source.addEventListener("heartbeat", (event) => {
      took(JSON.parse(event.data));
      if (state.missed) {
        state.missed = false;
        on("reset", {});
      }
      on("heartbeat", JSON.parse(event.data));
    });
    for (const topic of ["post", "entry", "dispatch", "incident", "book", "hub", "reset", "signed_out"]) {
      source.addEventListener(topic, (event) => {
        const data = JSON.parse(event.data);
        took(data);
        on(topic, data);
      });
    }
    source.onerror = () => {
      state.missed = true;
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => { if (source) open(); }, AGAIN_MS);
    };
  };
  const pause = () => {
    source?.close();
    source = null;
    state.missed = true;
    letGo();
  };
  open();
  whenCrowded(pause);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else if (crowded()) pause();
  });
  setInterval(() => { if (source) holding(); }, STILL_MS);
  addEventListener("pagehide", letGo);
  setInterval(() => look(state), 500);
  setInterval(age, 1000);
  addEventListener("pageshow", (event) => { if (event.persisted) on("reset", {}); });
  age();
}

/**
 * Ask instead of listening, for pages that many open: `url` answers {now_ms, n}, and `changed(data)` is called when `n` is another one,
 * and the first time if `first`.
 */
export function poll(url, everyMs, changed, first = false) {
  const state = { missed: false };
  let known = null;
  const ask = async () => {
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(everyMs) });
      if (!answer.ok) throw new Error(String(answer.status));
      const data = await answer.json();
      took(data);
      if (data.n !== known && (first || known !== null)) await changed(data);
      known = data.n;
    } catch { /* `look` says it when it lasts */ }
    setTimeout(ask, everyMs);
  };
  ask();
  setInterval(() => look(state), 500);
  setInterval(age, 1000);
  addEventListener("pageshow", (event) => { if (event.persisted) changed(); });
  age();
}
