// The duty desk's own sound: unlocked by a press when the shift begins, and its state is always shown.

let context = null;
let timer = 0;

/** Whether sound comes out of this page. */
export function audible() {
  return context?.state === "running";
}

/** From a press: browsers let nothing sound before. */
export async function unlock() {
  context ??= new AudioContext();
  await context.resume();
  blow(context.currentTime, 0.25);
  return audible();
}

/** One blow on a hanging piece of iron: its partials are not harmonic, and the high ones die first. */
export function blow(at, loud = 0.6, to = context) {
  for (const [ratio, share, lasts] of [[1, 1, 1.6], [2.76, 0.6, 0.9], [5.4, 0.35, 0.45], [8.93, 0.2, 0.2]]) {
    const tone = new OscillatorNode(to, { frequency: 420 * ratio, type: "sine" });
    const gain = new GainNode(to, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud * share * 0.4, at + 0.004);
    gain.gain.exponentialRampToValueAtTime(0.0004, at + lasts);
    tone.connect(gain).connect(to.destination);
    tone.start(at);
    tone.stop(at + lasts);
  }
}

/** Three blows every two seconds until it is told to stop. */
export function alarm(on) {
  if (on && !timer) {
    const round = () => {
      if (!audible()) return;
      for (const after of [0, 0.28, 0.56]) blow(context.currentTime + after);
    };
    round();
    timer = setInterval(round, 2000);
  } else if (!on && timer) {
    clearInterval(timer);
    timer = 0;
  }
}
