// What the bell has rung for, as long as somebody looks. Asked for, not listened to: a small computer has few places for listeners.

import { age, poll } from "./live.js";
import { speak } from "./say.js";

const place = document.getElementById("now");

async function refresh() {
  const answer = await fetch("/vi-sao/phan", { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  place.innerHTML = await answer.text();
  age(place);
  speak(place.querySelector("h2")?.textContent ?? "");
}

poll("/vi-sao/moc", 3000, refresh);
