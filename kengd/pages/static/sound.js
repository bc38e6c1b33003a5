// What is heard in a browser: one blow on iron, a siren, a whole score. The alarm's own loop is in alarm_tone.js.

let context = null;

/** One blow on a hanging piece of iron: its partials are not harmonic, and the high ones die first. */
export function blow(at, loud = 0.6, to = context, into = to.destination) {
  for (const [ratio, share, lasts] of [[1, 1, 1.6], [2.76, 0.6, 0.9], [5.4, 0.35, 0.45], [8.93, 0.2, 0.2]]) {
    const tone = new OscillatorNode(to, { frequency: 420 * ratio, type: "sine" });
    const gain = new GainNode(to, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud * share * 0.4, at + 0.004);
    gain.gain.exponentialRampToValueAtTime(0.0004, at + lasts);
    tone.connect(gain).connect(into);
    tone.start(at);
    tone.stop(at + lasts);
  }
}

const AHEAD_S = 0.5;
const LOOK_MS = 120;
const TAIL_S = 1.6;
const ENDLESS_MS = 20000;
const WHOLE_MS = 600000; // a blast until it is stopped is told as one so long (blows.py)

/** What is heard of a score: all of it, or of one without end its lead and some rounds. */
export function heardMs(score) {
  if (!score.cycle_ms) return score.lead_ms < WHOLE_MS ? score.lead_ms : score.lead[0][0] + ENDLESS_MS;
  return score.lead_ms + score.cycle_ms * Math.max(2, Math.ceil(ENDLESS_MS / 2 / score.cycle_ms));
}

/** A rotor: pitch and loudness rise while it is driven and fall after. */
function siren(into) {
  const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 70 });
  const soft = new BiquadFilterNode(context, { type: "lowpass", frequency: 1400 });
  const gain = new GainNode(context, { gain: 0 });
  tone.connect(soft).connect(gain).connect(into);
  tone.start();
  return {
    drive(from, to) {
      tone.frequency.setTargetAtTime(520, from, 0.25);
      gain.gain.setTargetAtTime(0.35, from, 0.2);
      tone.frequency.setTargetAtTime(70, to, 0.6);
      gain.gain.setTargetAtTime(0, to, 0.35);
    },
    end(at) { tone.stop(at); },
  };
}

let playing = null;
let turn = 0;

/**
 * Sound a score from its beginning; from a press. Whatever was sounding stops. `bell`: "striker" or "siren". `on.at(ms)`: where it
 * is, each frame; `on.blow()`: each blow as it is planned; `on.end()`: once. Blows are planned ahead by the sound's own clock: a slow page
 * is not heard. What it returns stops it.
 */
export async function play(score, bell, spans, on) {
  const mine = turn += 1;
  playing?.();
  context ??= new AudioContext();
  await context.resume();
  if (mine !== turn) return on.end(); // another one was pressed meanwhile
  const bus = new GainNode(context, { gain: 0.9 });
  bus.connect(context.destination);
  const rotor = bell === "siren" ? siren(bus) : null;
  const start = context.currentTime + 0.15;
  const until = heardMs(score);
  let planned = 0;
  let clock = 0;
  const plan = () => {
    const to = Math.min(until, (context.currentTime - start + AHEAD_S) * 1000);
    for (const [from, off] of to > planned ? spans(score, planned, to) : []) {
      if (from < planned) continue;
      if (rotor) rotor.drive(start + from / 1000, start + Math.min(off, until) / 1000);
      else blow(start + from / 1000, 0.6, context, bus);
      on.blow();
    }
    planned = Math.max(planned, to);
  };
  const frame = () => {
    if (playing !== stop) return;
    const at = (context.currentTime - start - (context.outputLatency || 0)) * 1000;
    on.at(Math.max(0, Math.min(at, until)));
    if (at > until + TAIL_S * 300) stop();
    else requestAnimationFrame(frame);
  };
  const stop = () => {
    if (playing !== stop) return;
    playing = null;
    clearInterval(clock);
    const now = context.currentTime;
    bus.gain.setTargetAtTime(0, now, now - start < until / 1000 ? 0.02 : TAIL_S / 3);
    rotor?.end(now + TAIL_S * 2);
    setTimeout(() => bus.disconnect(), TAIL_S * 2000);
    on.end();
  };
  playing = stop;
  plan();
  clock = setInterval(plan, LOOK_MS);
  requestAnimationFrame(frame);
  return stop;
}

/** One blow now, as an answer to a tap. */
export async function tap() {
  context ??= new AudioContext();
  if (context.state !== "running") await context.resume();
  blow(context.currentTime, 0.4);
}
