// Where the dots are at a moment of the play. No DOM, so that it can be tested.

/** Milliseconds that the play takes from the first epoch to the last. */
export const LENGTH = 6000;

/** The epoch, a fraction between two, at `elapsed` milliseconds: slow at both ends. */
export function epochAt(elapsed, last) {
  const t = Math.min(Math.max(elapsed / LENGTH, 0), 1);
  return last * t * t * (3 - 2 * t);
}

/** Angles in degrees between two epochs: `frames` is an array of arrays, one an epoch. */
export function anglesAt(frames, epoch) {
  const before = frames[Math.floor(epoch)];
  const after = frames[Math.min(Math.ceil(epoch), frames.length - 1)];
  const part = epoch - Math.floor(epoch);
  return before.map((angle, pair) => angle + part * (after[pair] - angle));
}

/** Where dots stand across their column, 0 … 1, spread evenly in any number (the golden ratio's sequence). */
export function spread(index) {
  return (0.5 + index * 0.6180339887498949) % 1;
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
