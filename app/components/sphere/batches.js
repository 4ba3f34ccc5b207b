// Random numbers by key, and the batches of an epoch: whoever asks for the same gets the same, in whatever order.

/** Draws numbers from 0 to 1 that depend on the key's parts and on nothing else. */
export function keyed(...parts) {
  let hash = 2166136261;
  for (const character of parts.join("/")) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  let state = hash >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0; // splitmix, of 32 bits
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** All images in random order (Fisher and Yates). @returns {Int32Array} (n,) */
export function shuffled(n, draw) {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** The batches of training: each epoch in an order of its own, and what is left at its end is dropped. */
export class Batches {
  epoch = -1;

  /** @param {number} n images @param {number} size of a batch; one that is larger than the data holds them all */
  constructor(seed, n, size) {
    this.size = Math.min(size, n);
    this.steps = Math.floor(n / this.size); // of an epoch
    Object.assign(this, { seed, n });
  }

  /** Which images step t takes. @returns {Int32Array} (size,) */
  at(t) {
    const epoch = Math.floor(t / this.steps);
    if (epoch !== this.epoch) this.order = shuffled(this.n, keyed(this.seed, "order", epoch));
    this.epoch = epoch;
    const start = (t % this.steps) * this.size;
    return this.order.subarray(start, start + this.size);
  }

  /** A batch that holds an image, one of many such: in its first place, others by chance. */
  with(image, draw) {
    const others = shuffled(this.n - 1, draw).subarray(0, this.size - 1);
    return Int32Array.from([image, ...others], (i, place) => (place && i >= image ? i + 1 : i));
  }
}
