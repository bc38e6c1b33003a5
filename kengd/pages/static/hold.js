// Hold to fire: a slip of the finger rings nothing (R48). Held to the end it fires once; whatever interrupts it, fires nothing.

import { say, word } from "./say.js";

const HOLD_MS = 1000;

/**
 * `button`: held by finger, mouse, or by Space or Enter. `fire()` is called once at the end of a whole hold. Leaving the button,
 * a cancelled pointer, a second finger, a lost focus, a page that is hidden or a phone that sleeps end the hold, and
 * that nothing was fired is said.
 */
export function holdToFire(button, fire, holdMs = Number(button.dataset.hold) || HOLD_MS) {
  let timer = 0;
  let began = 0;
  let pointer = null;
  button.style.setProperty("--hold", `${holdMs}ms`);

  const end = () => {
    clearTimeout(timer);
    timer = 0;
    pointer = null;
    button.classList.remove("holding");
  };
  const cut = () => {
    if (timer) say(word("holdCut"));
    end();
  };
  const begin = () => {
    if (timer || button.disabled) return;
    began = performance.now();
    button.classList.add("holding");
    timer = setTimeout(() => {
      // a device that slept in between has not been held
      const held = performance.now() - began;
      const whole = held >= holdMs && held < holdMs + 1500 && document.visibilityState === "visible";
      end();
      if (whole) fire();
    }, holdMs);
  };

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return cut();
    button.setPointerCapture?.(event.pointerId);
    pointer = event.pointerId;
    begin();
  });
  button.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const box = button.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right
      && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) cut();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture", "pointerleave"]) button.addEventListener(kind, cut);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return cut();
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) begin();
  });
  button.addEventListener("keyup", cut);
  button.addEventListener("blur", cut);
  addEventListener("blur", cut);
  addEventListener("pagehide", end);
  document.addEventListener("visibilitychange", cut);
  return end;
}
