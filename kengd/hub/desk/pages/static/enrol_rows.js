// Lines of the wizard that can be added and taken away: buttons, hours, keepers.

class Rows {
  constructor(name, place, path, fresh) {
    this.template = document.getElementById(`${name}-row`);
    this.place = document.getElementById(place);
    this.path = path;
    this.choices = [];
    document.getElementById(`add-${name}`)?.addEventListener("click", () => {
      const row = this.add(fresh());
      this.changed();
      row.querySelector("input, select").focus();
    });
  }

  changed() {
    this.number();
    this.place.dispatchEvent(new Event("rows", { bubbles: true }));
  }

  add(given) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    row.given = given;
    this.place.append(row);
    this.options(row);
    for (const field of row.querySelectorAll("[data-key]")) {
      const value = given[field.dataset.key];
      if (value === undefined || value === null) continue;
      const text = String(value);
      if (field.tagName === "SELECT" && !field.classList.contains("gpio") && ![...field.options].some((one) => one.value === text)) field.add(new Option(text, text));
      if (field.classList.contains("gpio")) field.dataset.wanted = text;
      field.value = text;
    }
    row.querySelector(".remove").addEventListener("click", () => {
      row.remove();
      this.changed();
    });
    this.added?.(row);
    return row;
  }

  fill(all) {
    for (const given of all) this.add(given);
    this.number();
  }

  number() {
    [...(this.place?.children ?? [])].forEach((row, n) => {
      row.querySelector("legend").textContent = `${n + 1}. ${this.template.content.querySelector("legend").textContent}`;
      for (const field of row.querySelectorAll("[data-key]")) field.dataset.where = `${this.path}[${n + 1}].${field.dataset.key}`;
    });
  }

  /** As data; what a row came with and has no field here stays. */
  read() {
    return [...(this.place?.children ?? [])].map((row) => {
      const made = { ...row.given };
      for (const field of row.querySelectorAll("[data-key]")) {
        const text = field.value.trim() || (field.classList.contains("gpio") ? field.dataset.wanted ?? "" : "");
        if (text === "") delete made[field.dataset.key];
        else made[field.dataset.key] = field.type === "number" || field.classList.contains("gpio") ? Number(text) : text;
      }
      return made;
    });
  }

  /** What may be chosen in them: {id, title} each. */
  choose(choices) {
    if (JSON.stringify(choices) === JSON.stringify(this.choices)) return;
    this.choices = choices;
    for (const row of this.place.children) this.options(row);
  }

  options(row) {
    for (const select of row.querySelectorAll("select:not(.gpio, .as-is)")) {
      const value = select.value;
      select.replaceChildren(...this.choices.map((one) => new Option(one.title, one.id)));
      if (value && !this.choices.some((one) => one.id === value)) select.add(new Option(value, value));
      if (value) select.value = value;
    }
  }
}

/** Six digits that are not guessed first; the hub refuses those that are. */
function dice() {
  for (;;) {
    const digits = [...crypto.getRandomValues(new Uint32Array(6))].map((n) => n % 10).join("");
    if (new Set(digits).size > 3) return digits;
  }
}

export const buttons = new Rows("button", "buttons", "gpio.buttons", () => ({ name: `nut-${buttons.place.children.length + 1}`, does: "alarm" }));
export const hours = new Rows("hour", "hours", "timetable", () => ({ at: "22:00", days: "daily", signal: "curfew" }));
export const keepers = new Rows("keeper", "keepers", "keepers", () => ({}));

keepers.added = (row) => {
  if (row.given.id) row.querySelector(".remove").remove();
  const note = row.querySelector("[data-has]");
  if (row.given.has_pin) note.textContent = note.dataset.has;
  const made = row.querySelector(".made");
  const [pin, again] = ["pin", "again"].map((key) => row.querySelector(`[data-key=${key}]`));
  row.querySelector(".dice").addEventListener("click", () => { made.textContent = pin.value = again.value = dice(); });
  pin.addEventListener("input", () => { made.textContent = ""; });
};
/** Names of those who would have no PIN. */
export const withoutPin = () => [...(keepers.place?.children ?? [])].filter((row) => !row.given.has_pin)
  .map((row) => ["name", "pin"].map((key) => row.querySelector(`[data-key=${key}]`).value.trim())).filter(([name, pin]) => name && !pin).map(([name]) => name);

keepers.read = () => Rows.prototype.read.call(keepers).map(({ has_pin: _, ...one }) => one)
  .filter((one) => one.name).map((one) => ({ ...one, phone: one.phone ?? "" }));
