// The scrubber's clock: which epoch is shown, and what playing, stepping and a growing run do to it.
//
// A clock is {epochs, at, playing, speed, follow}: the kept epochs in rising order, the place in that list (2.25 is a
// quarter of the way from the third to the fourth), whether it plays, kept epochs a second, and whether it follows the
// newest epoch of a live run. Clocks are never changed: `advance` returns a new one.

export const SLOWEST = 0.5; // epochs a second
export const FASTEST = 60;
export const DEFAULT_SPEED = 6;

const LEAP = 10; // epochs

export const KEYS = {
  " ": { type: "toggle" },
  ArrowLeft: { type: "step", by: -1 },
  ArrowDown: { type: "step", by: -1 },
  ArrowRight: { type: "step", by: 1 },
  ArrowUp: { type: "step", by: 1 },
  PageDown: { type: "leap", by: LEAP }, // as a presenter's clicker sends for on, and Page Up for back
  PageUp: { type: "leap", by: -LEAP },
  Home: { type: "home" },
  End: { type: "end" },
};

/** Make a clock that stands still, at the kept epoch nearest to `epoch`, or at the last without it. */
export function clock(epochs, { epoch = null, speed = DEFAULT_SPEED, follow = false } = {}) {
  const at = epoch === null || follow ? lastOf(epochs) : nearest(epochs, epoch);
  return { epochs, at, playing: false, speed: clamp(speed, SLOWEST, FASTEST), follow };
}

/** Where a clock stands: the kept epoch at or before, the one that is tweened to, or the same, and how far, below 1. */
export function position({ epochs, at }) {
  const index = Math.floor(at);
  return { epoch: epochs[index] ?? null, next: epochs[Math.ceil(at)] ?? null, fraction: at - index };
}

/** The clock after an event, {type, …}, of CHANGES. Whoever takes it in hand (plays, steps, seeks) ends following. */
export function advance(clock, event) {
  return { ...clock, ...CHANGES[event.type](clock, event) };
}

// What an event of each type, with what it brings, changes.
const CHANGES = {
  tick: ({ epochs, at, playing, speed, follow }, { seconds }) => {
    if (!playing && !follow) return {};
    const moved = Math.min(lastOf(epochs), at + speed * seconds);
    return { at: moved, playing: playing && moved < lastOf(epochs) };
  },
  play: ({ epochs, at }) => {
    const last = lastOf(epochs);
    return { at: at === last ? 0 : at, playing: last > 0, follow: false };
  },
  pause: ({ at }) => standing(Math.round(at)),
  toggle: (clock) => (clock.playing ? CHANGES.pause : CHANGES.play)(clock),
  home: () => standing(0),
  end: ({ epochs }) => standing(lastOf(epochs)),
  step: ({ epochs, at }, { by }) => standing(clamp((by > 0 ? Math.floor(at) : Math.ceil(at)) + by, 0, lastOf(epochs))),
  // After the last it begins again.
  leap: (clock, { by }) => (by > 0 && clock.at === lastOf(clock.epochs) ? standing(0) : CHANGES.step(clock, { by })),
  seek: ({ epochs }, { epoch }) => standing(nearest(epochs, epoch)),
  speed: (_, { speed }) => ({ speed: clamp(speed, SLOWEST, FASTEST) }),
  follow: ({ epochs, at }, { follow }) => (follow ? { ...standing(lastOf(epochs)), follow } : standing(Math.round(at))),
  // Following glides through the newest epoch, and never falls further behind than that.
  epochs: (clock, { epochs }) => {
    const at = kept(clock, epochs);
    return { epochs, at: clock.follow ? Math.max(at, lastOf(epochs) - 1) : at };
  },
};

function standing(at) {
  return { at, playing: false, follow: false };
}

// The same epoch in the new list, and as far on the way to the next one if that is still the next.
function kept(clock, epochs) {
  const { epoch, next, fraction } = position(clock);
  if (epoch === null) return lastOf(epochs);
  const index = nearest(epochs, epoch);
  return epochs[index] === epoch && epochs[index + 1] === next ? index + fraction : index;
}

function nearest(epochs, wanted) {
  const distance = (index) => Math.abs(epochs[index] - wanted);
  return epochs.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
}

function lastOf(epochs) {
  return Math.max(0, epochs.length - 1);
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
