// "An Lão" as "an lao": nobody writes marks in a hurry.

/** Without marks and capitals. */
export function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
}

/** Of everything with `data-find` in this part of the page, show what fits to what is typed into `input`. */
export function finds(input, root = document) {
  input?.addEventListener("input", () => {
    const wanted = fold(input.value.trim());
    for (const one of root.querySelectorAll("[data-find]")) {
      one.folded ??= fold(one.dataset.find);
      one.hidden = !one.folded.includes(wanted);
    }
  });
}
