// Posts and the picture put in their places: touch the plan, read what was meant, then say yes.

import { act } from "./desk.js";
import { refusal } from "./send.js";
import { say, word } from "./say.js";

const plan = document.getElementById("plan");
const ghost = document.getElementById("ghost");
const field = (id) => document.getElementById(id);
const box = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, Number(plan.dataset[name])]));
const post = field("place-post");
const LONGEST_PX = 2000, LARGEST = 500_000;
const NEXT = "kengd.map.post";
const touched = {};
let referring = 0;

/** Metres of the plan where the finger was. */
function metres(event) {
  const at = plan.getBoundingClientRect();
  return {
    x: Math.round((box.x + ((event.clientX - at.left) / at.width) * box.width) * 10) / 10,
    y: Math.round((box.y - ((event.clientY - at.top) / at.height) * box.height) * 10) / 10,
  };
}

function point({ x, y }) {
  ghost.setAttribute("x", `${((x - box.x) / box.width) * 100}%`);
  ghost.setAttribute("y", `${((box.y - y) / box.height) * 100}%`);
  ghost.setAttribute("visibility", "visible");
}

plan.addEventListener("click", (event) => {
  event.preventDefault();
  const at = metres(event);
  point(at);
  if (referring) {
    const button = document.querySelector(`[data-refer="${referring}"]`);
    const { px, x, y, width } = field("lay").dataset;
    const per = Number(px) / Number(width);
    touched[referring] = { px: (at.x - Number(x)) * per, py: (Number(y) - at.y) * per };
    button.textContent = button.dataset.done;
    referring = 0;
    say("");
    return;
  }
  field("place-x").value = at.x;
  field("place-y").value = at.y;
  field("place-at").value = "";
});

post.addEventListener("change", () => {
  const one = post.selectedOptions[0].dataset;
  field("place-x").value = one.x ?? "";
  field("place-y").value = one.y ?? "";
  field("place-at").value = one.at;
  if (one.x !== undefined) point({ x: Number(one.x), y: Number(one.y) });
  else ghost.setAttribute("visibility", "hidden");
});
for (const id of ["place-x", "place-y"]) field(id).addEventListener("input", () => { field("place-at").value = ""; });
field("place-at").addEventListener("input", () => { field("place-x").value = field("place-y").value = ""; });

/** The drawing anew, and on to a post that has no place yet. */
function next() {
  const lacking = [...post.options].find((one) => one.value !== post.value && one.dataset.x === undefined);
  sessionStorage.setItem(NEXT, (lacking ?? post.selectedOptions[0]).value);
  location.reload();
}

field("place").addEventListener("submit", async (event) => {
  event.preventDefault();
  const at = field("place-at").value.trim();
  const body = at ? { at } : { x: field("place-x").valueAsNumber, y: field("place-y").valueAsNumber };
  if (!at && !(Number.isFinite(body.x) && Number.isFinite(body.y))) return field("place-at").focus();
  if ((await act(`/api/posts/${post.value}/place`, body, "PUT")).ok) next();
  return undefined;
});
field("unplace").addEventListener("click", async () => {
  if ((await act(`/api/posts/${post.value}/place`, {}, "PUT")).ok) location.reload();
});

/** Small enough for a poor line, and without what a phone writes beside it (where it was taken). */
async function shrunk(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
  let blob;
  for (const quality of [0.85, 0.7, 0.5, 0.3]) {
    blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", quality); });
    if (blob.size <= LARGEST) break;
  }
  return blob;
}

field("picture").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = field("file").files[0];
  const blob = await shrunk(file).catch(() => file);
  let answer;
  try {
    answer = await fetch("/api/plan/picture", {
      method: "PUT", body: blob, credentials: "same-origin",
      headers: { "Content-Type": blob.type, "X-Kengd-Csrf": document.body.dataset.csrf },
    });
  } catch {
    return say(word("noAnswer"), true);
  }
  return answer.ok ? location.reload() : say(refusal(await answer.json()), true);
});
field("drop-picture")?.addEventListener("click", async (event) => {
  if (!confirm(event.target.dataset.sure)) return;
  if ((await act("/api/plan/picture", undefined, "DELETE")).ok) location.reload();
});
field("lay")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { x: field("lay-x").valueAsNumber, y: field("lay-y").valueAsNumber, width_m: field("lay-width").valueAsNumber };
  if ((await act("/api/plan/picture/place", body, "PUT")).ok) location.reload();
});
for (const button of document.querySelectorAll("[data-refer]")) {
  button.addEventListener("click", () => {
    referring = Number(button.dataset.refer);
    const name = field(`refer-${referring}`).selectedOptions[0]?.textContent ?? "";
    say(`${field("refer").dataset.touch} ${name}`);
    plan.parentNode.scrollIntoView({ block: "start" });
  });
}
field("refer")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const points = [1, 2].map((n) => touched[n] && { ...touched[n], post: field(`refer-${n}`).value });
  const lacking = points.findIndex((one) => !one);
  if (lacking >= 0) return document.querySelector(`[data-refer="${lacking + 1}"]`).focus();
  if ((await act("/api/plan/picture/place", { points }, "PUT")).ok) location.reload();
  return undefined;
});
const last = sessionStorage.getItem(NEXT);
if ([...post.options].some((one) => one.value === last)) post.value = last;
post.dispatchEvent(new Event("change"));
