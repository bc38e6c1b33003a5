// Writes: JSON, with what proves that this page is ours. Nothing is ever ordered by a GET.

import { say, word } from "./say.js";

const WITHIN_MS = 8000;

/** An id for one act, made when its dialog opens: pressed twice, or sent again, it is the same act (R47). */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return "tr-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * {ok, status, data}; `status` 0: no answer came, and nobody knows whether it was done. The same `body` may then be sent again.
 * What was refused is said unless `quiet`.
 */
export async function send(method, url, body, quiet = false) {
  const headers = { "Content-Type": "application/json", "X-Kengd-Csrf": document.body.dataset.csrf ?? "" };
  let answer;
  try {
    answer = await fetch(url, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
      credentials: "same-origin", signal: AbortSignal.timeout(WITHIN_MS),
    });
  } catch {
    if (!quiet) say(word("noAnswer"), true);
    return { ok: false, status: 0, data: {} };
  }
  let data = {};
  try { data = await answer.json(); } catch { /* an answer without a body */ }
  if (!answer.ok && !quiet) say(refusal(data), true);
  return { ok: answer.ok, status: answer.status, data };
}

/** What the server said, in the reader's language, with the cure. */
export function refusal(data) {
  const english = document.documentElement.lang === "en" && data.en;
  return [english ? data.en : data.vi, english ? "" : data.cure].filter(Boolean).join(": ") || word("broken");
}
