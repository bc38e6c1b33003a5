// A screen on the wall: it stays awake, and its clock is the hub's.

import { clockTime, serverNow } from "./live.js";

const stayAwake = async () => {
  if (document.visibilityState !== "visible") return;
  try { await navigator.wakeLock?.request("screen"); } catch { /* the system says no: it is set there */ }
};
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
setInterval(() => {
  if (!document.documentElement.classList.contains("is-lost")) document.getElementById("line").textContent = clockTime(serverNow());
}, 1000);
