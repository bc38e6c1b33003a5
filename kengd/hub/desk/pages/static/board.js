// Which cards of the board are shown and in which order. What was chosen stands in the address: a reload and a link show the same.

import { fold } from "./fold.js";

const field = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const chips = [...document.querySelectorAll("[data-state]")];
const NAMES = { find: "tim", village: "thon", group: "nhom" };
let state = query.get("tinh") ?? "";

/** Show what is asked for; counts and order follow the cards as they are now. */
export function sift(posts) {
  const list = posts.querySelector(".cards");
  const cards = [...list.children];
  const place = (card) => Number(card.dataset.at);
  if (cards.some((card, at) => at && place(cards[at - 1]) > place(card)) && !list.querySelector(".holding")) {
    list.append(...cards.sort((one, other) => place(one) - place(other)));
  }
  const find = fold(field("find")?.value.trim() ?? ""), village = field("village")?.value ?? "", group = field("group")?.value ?? "";
  const has = (text, one) => !one || ` ${text} `.includes(` ${one} `);
  const counts = { "": 0 };
  let shown = 0;
  for (const card of cards) {
    card.folded ??= fold(card.dataset.find);
    const here = card.folded.includes(find) && has(card.dataset.villages, village) && has(card.dataset.groups, group);
    const fits = here && has(card.dataset.states, state);
    if (here) for (const one of ["", ...card.dataset.states.split(" ")]) counts[one] = (counts[one] ?? 0) + 1;
    card.hidden = !fits;
    shown += fits;
  }
  for (const chip of chips) {
    const count = counts[chip.dataset.state] ?? 0;
    chip.querySelector("b").textContent = count;
    chip.setAttribute("aria-pressed", String(chip.dataset.state === state));
    chip.hidden = !count && chip.dataset.state !== state && chip.dataset.state !== "";
  }
  field("count").textContent = shown;
}

function keep() {
  const wanted = new URLSearchParams(location.search);
  for (const [id, name] of Object.entries(NAMES)) {
    const value = field(id)?.value.trim();
    if (value) wanted.set(name, value); else wanted.delete(name);
  }
  if (state) wanted.set("tinh", state); else wanted.delete("tinh");
  history.replaceState(null, "", `${location.pathname}${wanted.size ? `?${wanted}` : ""}${location.hash}`);
}

/** What is chosen on the page and in its address; `posts`: where the cards are. */
export function choose(posts) {
  const again = () => {
    sift(posts);
    keep();
  };
  for (const [id, name] of Object.entries(NAMES)) {
    const one = field(id);
    if (!one) continue;
    if (query.has(name)) one.value = query.get(name);
    one.addEventListener("input", again);
  }
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      state = chip.dataset.state;
      again();
    });
  }
}
