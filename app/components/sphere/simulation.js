// Free points on a sphere that follow the loss's gradient, batch by batch. No DOM, so that it can be tested.

import { pairAngles } from "../stage/core/geometry.js";
import { Batches, keyed } from "./batches.js";
import { Loss, add, alongSphere, dot } from "./loss.js";

const CAP = 0.1; // how wide the first points lie about one direction, as an untrained network's features do
// What a step takes of the gradient, times τ: the pull of one positive is then as strong at every temperature.
const POINT_STEP = 1 / 6;
const PROTOTYPE_STEP = 2;
const LONGEST = 0.2; // radians of a step
const MEMORY = 30; // steps that smoothed angles remember
const ARROW_BATCHES = 8;

/** Points of K classes and their prototypes. Two of the same seed and counts start alike, whatever the loss. */
export class Simulation {
  time = 0; // steps so far
  held = new Set(); // points that a hand holds

  /** @param {number[]} counts images of each class @param {{seed: number, size: number}} batches images in a batch */
  constructor(counts, switches, { seed, size }) {
    const K = counts.length;
    this.classes = Uint8Array.from(counts.flatMap((n, k) => Array(n).fill(k)));
    Object.assign(this, { counts, K, switches, n: this.classes.length, seed });
    const normal = gaussian(keyed(seed, "start"));
    [this.prototypes, this.points] = [cap(K, normal), cap(this.n, normal)];
    this.loss = new Loss(K);
    this.batches = new Batches(seed, this.n, size);
    this.angles = pairAngles(this.means(), K, 3); // (K, K) degrees between class means, smoothed
  }

  /** The gradient of one batch moves its points and, with class-complement, all prototypes. */
  step() {
    const { loss, points, prototypes, held, switches } = this;
    const batch = this.batches.at(this.time++);
    loss.evaluate(this, batch, switches);
    const rate = POINT_STEP * switches.temperature * batch.length;
    for (let row = 0; row < batch.length; row++) {
      if (!held.has(batch[row])) move(points, 3 * batch[row], loss.gradient, 3 * row, rate);
    }
    const slow = switches.complement ? PROTOTYPE_STEP * switches.temperature : 0;
    for (let k = 0; k < this.K && slow; k++) move(prototypes, 3 * k, loss.prototypeGradient, 3 * k, slow);
    const now = pairAngles(this.means(), this.K, 3);
    for (const [i, angle] of now.entries()) { // a mean may be zero for a moment, and then has no angle
      if (Number.isFinite(angle)) this.angles[i] += (angle - this.angles[i]) / Math.min(this.time, MEMORY);
    }
  }

  /** Sums of the classes' points, in the directions of their means. @returns {Float64Array} (K, 3) */
  means() {
    const means = new Float64Array(3 * this.K);
    for (let i = 0; i < this.n; i++) add(means, 3 * this.classes[i], this.points, 3 * i, 1);
    return means;
  }

  /** (K, K) degrees between the prototypes; null where the loss has none. */
  get prototypeAngles() {
    return this.switches.complement ? pairAngles(this.prototypes, this.K, 3) : null;
  }

  /**
   * Turn points so that the first of them comes to lie at `to`; they stay there as long as they are held.
   *
   * @param {number[]} images @param {number[]} to (3,) unit
   */
  drag(images, to) {
    const from = [...this.points.subarray(3 * images[0], 3 * images[0] + 3)];
    for (const i of images) turn(this.points, 3 * i, from, to);
    this.angles = pairAngles(this.means(), this.K, 3);
  }

  /** What moves a point, on average over batches that hold it: see Loss.forces; in radians of a step. */
  forces(image) {
    const loss = (this.looking ??= new Loss(this.K));
    const draw = keyed(this.seed, "arrows", image);
    const sum = { pull: new Float64Array(3), pushes: this.counts.map(() => new Float64Array(3)) };
    for (let b = 0; b < ARROW_BATCHES; b++) {
      const batch = this.batches.with(image, draw);
      loss.evaluate(this, batch, this.switches);
      const { pull, pushes } = loss.forces(0);
      const rate = (POINT_STEP * this.switches.temperature * batch.length) / ARROW_BATCHES;
      add(sum.pull, 0, pull, 0, rate);
      pushes.forEach((push, k) => add(sum.pushes[k], 0, push, 0, rate));
    }
    return sum;
  }

  /** What the loss of a point is made of, in the first of the batches that its forces are taken from: see Loss.told. */
  told(image) {
    const loss = (this.looking ??= new Loss(this.K));
    loss.evaluate(this, this.batches.with(image, keyed(this.seed, "arrows", image)), this.switches);
    return loss.told(0);
  }
}

function cap(rows, normal) {
  const vectors = Float64Array.from({ length: 3 * rows }, (_, i) => (i % 3 === 2 ? 1 : CAP * normal()));
  for (let i = 0; i < rows; i++) normalise(vectors, 3 * i);
  return vectors;
}

/** Normally distributed numbers (Box and Muller). */
function gaussian(draw) {
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

function move(vectors, i, gradient, j, rate) {
  alongSphere(gradient, j, vectors, i);
  const length = rate * Math.sqrt(dot(gradient, j, gradient, j));
  add(vectors, i, gradient, j, length > LONGEST ? (-rate * LONGEST) / length : -rate);
  normalise(vectors, i);
}

function normalise(vectors, i) {
  const length = Math.sqrt(dot(vectors, i, vectors, i));
  for (let axis = i; axis < i + 3; axis++) vectors[axis] /= length;
}

/** Rotate a vector as what takes unit `from` to unit `to` the short way does; opposite ones are mirrored. */
function turn(vectors, i, from, to) {
  const half = from.map((x, axis) => x + to[axis]);
  const length = dot(half, 0, half, 0);
  if (length < 1e-12) return add(vectors, i, vectors, i, -2);
  // Two reflections: at the plane across `from`, then across the half-way vector.
  add(vectors, i, from, 0, -2 * dot(vectors, i, from, 0));
  add(vectors, i, half, 0, (-2 * dot(vectors, i, half, 0)) / length);
}
