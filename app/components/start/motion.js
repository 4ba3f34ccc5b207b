// Where the dots are at a moment of the play. No DOM, so that it can be tested.

/** Milliseconds that the play takes from the first epoch to the last. */
export const LENGTH = 6000;

/** The place among the epochs, a fraction between two, at `elapsed` milliseconds: slow at both ends. */
export function placeAt(elapsed, last) {
  const t = Math.min(Math.max(elapsed / LENGTH, 0), 1);
  return last * t * t * (3 - 2 * t);
}

/**
 * Draw the play from its beginning to its end; who wants less motion sees the end at once.
 *
 * @param {(elapsed: number) => void} draw @param {MediaQueryList} still whether less motion is wanted
 * @returns {() => void} what ends it
 */
export function played(draw, still) {
  const start = performance.now();
  let frame = null;
  const step = (now) => {
    const elapsed = still.matches ? LENGTH : now - start;
    draw(elapsed);
    if (elapsed < LENGTH) frame = requestAnimationFrame(step);
  };
  step(start);
  return () => cancelAnimationFrame(frame);
}

/** Numbers between two epochs: `frames` has an array for each, all of one length. */
export function between(frames, place) {
  const before = frames[Math.floor(place)];
  const after = frames[Math.min(Math.ceil(place), frames.length - 1)];
  const part = place - Math.floor(place);
  return before.map((number, i) => number + part * (after[i] - number));
}
