// Which pin is whose: in every choice of a pin, and on the drawing of the header.

/** pin → what it is for. `words`: of the page. */
export function usedPins(words, tables) {
  const used = new Map();
  const take = (pin, text) => { if (Number.isInteger(pin) && !used.has(pin)) used.set(pin, text); };
  const gpio = tables.gpio ?? {};
  take(gpio.relay?.pin, words.relay);
  for (const one of gpio.buttons ?? []) take(one.pin, `${words.button} ${one.name ?? ""}`);
  for (const one of gpio.inputs ?? []) take(one.pin, `${words.input} ${one.name}`);
  take(gpio.lamps?.bell, `${words.lamp} KẺNG`);
  take(gpio.lamps?.police, `${words.lamp} CÔNG AN`);
  return used;
}

/** Choices anew: a pin that is another's, or that a relay may not have, says so and cannot be chosen. */
export function showPins(form, used) {
  const words = form.dataset;
  const all = JSON.parse(words.pins);
  for (const select of form.querySelectorAll("select.gpio")) {
    const own = Number(select.value || select.dataset.wanted || NaN);
    const relay = select.dataset.where === "gpio.relay.pin";
    select.replaceChildren(...(select.dataset.none || Number.isNaN(own) ? [new Option(select.dataset.none ? words.none : "…", "")] : []));
    for (const one of all) {
      const other = one.pin === own ? undefined : used.get(one.pin);
      const why = other ? `${words.used} ${other}` : relay ? one.relay : "";
      const option = new Option(`GPIO${one.pin} (${words.place} ${one.place})${why ? `: ${why}` : ""}`, one.pin);
      option.disabled = Boolean(other) || (relay && one.never);
      select.add(option);
    }
    select.value = Number.isNaN(own) ? "" : String(own);
    delete select.dataset.wanted;
  }
  for (const cell of form.querySelectorAll("td[data-pin]")) cell.textContent = used.get(Number(cell.dataset.pin)) ?? "";
}
