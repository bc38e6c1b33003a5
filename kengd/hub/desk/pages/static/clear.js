// Hết báo động: what it ends is read first, then it is held; afterwards its page shows what each post says to it.

import { say, word } from "./say.js";
import { part, wire } from "./part.js";

const dialog = document.getElementById("clear");

document.addEventListener("click", async ({ target }) => {
  if (target.closest("#clear [data-close]")) return dialog.close();
  const button = target.closest("[data-clear]");
  if (!button || dialog.open) return undefined;
  try {
    dialog.innerHTML = await part(button.dataset.clear);
  } catch {
    return say(word("broken"), true);
  }
  wire(dialog, () => location.assign(dialog.firstElementChild.dataset.then));
  return dialog.open || dialog.showModal();
});
