// A browser keeps six connections to a server, and each tab of ours that hears news holds one of them: with six tabs open a press
// would wait for ever. So a hidden tab lets go where others are listening, and listens again when somebody looks at it.

const KEY = "kengd-streams";
const FRESH_MS = 70_000;
const MOST_OTHERS = 2;
const me = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;

function holders() {
  const now = Date.now();
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(KEY)) ?? {})
      .filter(([one, at]) => one !== me && Math.abs(now - at) < FRESH_MS));
  } catch {
    return {};
  }
}

function keep(all) {
  try { localStorage.setItem(KEY, JSON.stringify(all)); } catch { /* a browser that keeps nothing counts nothing */ }
}

/** This tab listens; said again before it is forgotten. */
export function holding() {
  keep({ ...holders(), [me]: Date.now() });
}

/** It does not any more. */
export function letGo() {
  keep(holders());
}

/** Whether enough other tabs listen. */
export function crowded() {
  return Object.keys(holders()).length >= MOST_OTHERS;
}

/** `on()`: another tab has begun to listen, and this one is hidden and not needed. */
export function whenCrowded(on) {
  addEventListener("storage", (event) => { if (event.key === KEY && document.hidden && crowded()) on(); });
}
