// The contrastive loss of a batch of free points on the sphere, and its gradient: bcl_core.losses.contrastive_loss where
// each image's two views are the same point. No DOM, so that it can be tested.

export const VIEWS = 2;

/**
 * @typedef {{averaging: boolean, complement: boolean, anchors: "instance" | "class", temperature: number}} Switches
 * @typedef {{points: Float64Array, prototypes: Float64Array, classes: Uint8Array}} Sphere (n, 3) and (K, 3) unit rows,
 *   and the class of each point
 */

/** Evaluates batches one after the other, in arrays that it keeps. */
export class Loss {
  size = 0; // images that there is room for
  value = 0;

  /** @param {number} K classes */
  constructor(K) {
    this.K = K;
    this.images = new Int32Array(K); // of each class in the batch
    this.prototypeGradient = new Float64Array(3 * K);
  }

  makeRoom(size) {
    if (size <= this.size) return;
    this.size = size;
    this.push = new Float64Array(size * size); // (m, m) what the logarithm of anchor i's denominator gains by s_ij
    this.prototypePush = new Float64Array(size * this.K); // (m, K)
    this.weight = new Float64Array(size); // of anchor i, both views, over τ
    this.logs = new Float64Array(size); // of anchor i's denominator
    this.pulls = new Float64Array(size); // mean of s over anchor i's positives
    this.gradient = new Float64Array(3 * size);
  }

  /**
   * Set `value`, `gradient` (m, 3) of the batch's points and `prototypeGradient` (K, 3), radial parts included.
   *
   * @param {Sphere} sphere @param {Int32Array} batch (m,) which points @param {Switches} switches
   */
  evaluate(sphere, batch, switches) {
    const m = batch.length;
    this.makeRoom(m);
    Object.assign(this, { sphere, batch, switches });
    const { K, images } = this;
    images.fill(0);
    for (const i of batch) images[sphere.classes[i]]++;
    this.present = images.reduce((count, of) => count + (of > 0), 0);
    this.similarities();
    this.value = 0;
    for (let i = 0; i < m; i++) this.value += this.anchor(i);
    this.collect();
    return this.value;
  }

  /** e^{(z_i·z_j − 1) / τ} of all pairs, into `push`: of unit rows none exceeds 1. */
  similarities() {
    const { K, batch, push, prototypePush, sphere: { points, prototypes }, switches } = this;
    const [m, scale] = [batch.length, 1 / switches.temperature];
    for (let i = 0; i < m; i++) {
      const at = 3 * batch[i];
      const [x, y, z] = [points[at], points[at + 1], points[at + 2]];
      push[i * m + i] = 1;
      for (let j = 0; j < i; j++) {
        const to = 3 * batch[j];
        const cosine = x * points[to] + y * points[to + 1] + z * points[to + 2];
        push[i * m + j] = push[j * m + i] = Math.exp((cosine - 1) * scale);
      }
      for (let k = 0; k < K; k++) {
        const cosine = x * prototypes[3 * k] + y * prototypes[3 * k + 1] + z * prototypes[3 * k + 2];
        prototypePush[i * K + k] = switches.complement ? Math.exp((cosine - 1) * scale) : 0;
      }
    }
  }

  /** How many positives an anchor of a class has, |Q|. */
  positives(k) {
    return VIEWS * this.images[k] - 1 + this.switches.complement;
  }

  /** What a member of class k weighs in the denominator of an anchor of class y. */
  share(k, y) {
    if (!this.switches.averaging) return 1;
    return 1 / (k === y ? this.positives(k) : Math.max(VIEWS * this.images[k] + this.switches.complement, 1));
  }

  /** Turn anchor i's row of similarities into its pushes. @returns {number} what it adds to the loss */
  anchor(i) {
    const { K, batch, push, prototypePush, images, sphere: { points, prototypes, classes }, switches } = this;
    const [m, own] = [batch.length, classes[batch[i]]];
    const { temperature, complement, anchors } = switches;
    const part = anchors === "class" ? 1 / (this.present * images[own]) : 1 / m;
    const weight = (this.weight[i] = part / temperature);
    let denominator = 0;
    for (let j = 0; j < m; j++) {
      const views = j === i ? VIEWS - 1 : VIEWS;
      denominator += push[i * m + j] *= views * this.share(classes[batch[j]], own);
    }
    for (let k = 0; k < K; k++) denominator += prototypePush[i * K + k] *= this.share(k, own);
    const positives = this.positives(own);
    let attraction = 0; // Σ over the positives of z_i·z_p
    const from = 3 * batch[i];
    for (let j = 0; j < m; j++) {
      push[i * m + j] *= weight / denominator;
      if (classes[batch[j]] === own) attraction += (j === i ? VIEWS - 1 : VIEWS) * dot(points, from, points, 3 * batch[j]);
    }
    for (let k = 0; k < K; k++) prototypePush[i * K + k] *= weight / denominator;
    if (complement) attraction += dot(points, from, prototypes, 3 * own);
    this.logs[i] = Math.log(denominator) + 1 / temperature;
    this.pulls[i] = attraction / positives / temperature;
    return part * (this.logs[i] - this.pulls[i]);
  }

  /** Gather gradients from all pairs: a point is pushed and pulled as an anchor, and as what others are compared with. */
  collect() {
    const { K, batch, gradient, prototypeGradient, prototypePush, sphere: { points, prototypes, classes } } = this;
    const m = batch.length;
    gradient.fill(0);
    prototypeGradient.fill(0);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j <= i; j++) {
        const both = this.between(i, j);
        add(gradient, 3 * i, points, 3 * batch[j], both);
        if (j < i) add(gradient, 3 * j, points, 3 * batch[i], both);
      }
      if (!this.switches.complement) continue;
      for (let k = 0; k < K; k++) {
        const both = prototypePush[i * K + k] - (k === classes[batch[i]] ? this.pull(i) : 0);
        add(gradient, 3 * i, prototypes, 3 * k, both);
        add(prototypeGradient, 3 * k, points, 3 * batch[i], both);
      }
    }
  }

  /** What anchor i's own weight and number of positives make of one positive. */
  pull(i) {
    return this.weight[i] / this.positives(this.sphere.classes[this.batch[i]]);
  }

  /** The derivative of the loss by z_i·z_j, of both anchors. */
  between(i, j) {
    const { batch, push, sphere: { classes } } = this;
    const m = batch.length;
    const repelled = push[i * m + j] + push[j * m + i];
    if (classes[batch[i]] !== classes[batch[j]]) return repelled;
    return repelled - (i === j ? VIEWS - 1 : VIEWS) * (this.pull(i) + this.pull(j));
  }

  /** What one row's loss is made of, as formula/parts.js takes it. */
  told(row) {
    const { K, batch, push, prototypePush, images, logs, pulls, value, sphere: { classes } } = this;
    const [m, whole] = [batch.length, this.weight[row]];
    const prototypes = Float64Array.from({ length: K }, (_, k) => prototypePush[row * K + k] / whole);
    const shares = prototypes.slice();
    for (let j = 0; j < m; j++) shares[classes[batch[j]]] += push[row * m + j] / whole;
    const sizes = images.map((count) => VIEWS * count);
    return { own: classes[batch[row]], sizes, shares, prototypes, self: 0, log: logs[row], pull: pulls[row], value };
  }

  /**
   * The parts of a point's gradient, along the sphere and turned round, as they move it: their sum is its way.
   *
   * @param {number} row of the batch @returns {{pull: number[], pushes: number[][]}} by its own class, and by each
   */
  forces(row) {
    const { K, batch, push, prototypePush, sphere: { points, prototypes, classes }, switches } = this;
    const [m, own, at] = [batch.length, classes[batch[row]], 3 * batch[row]];
    const pull = new Float64Array(3);
    const pushes = Array.from({ length: K }, () => new Float64Array(3));
    for (let j = 0; j < m; j++) {
      if (j === row) continue; // its other view is where it is itself
      const k = classes[batch[j]];
      add(pushes[k], 0, points, 3 * batch[j], -(push[row * m + j] + push[j * m + row]));
      if (k === own) add(pull, 0, points, 3 * batch[j], VIEWS * (this.pull(row) + this.pull(j)));
    }
    for (let k = 0; k < K && switches.complement; k++) {
      add(pushes[k], 0, prototypes, 3 * k, -prototypePush[row * K + k]);
      if (k === own) add(pull, 0, prototypes, 3 * k, this.pull(row));
    }
    for (const force of [pull, ...pushes]) alongSphere(force, 0, points, at);
    return { pull, pushes };
  }
}

export function dot(a, i, b, j) {
  return a[i] * b[j] + a[i + 1] * b[j + 1] + a[i + 2] * b[j + 2];
}

export function add(to, i, from, j, times) {
  to[i] += times * from[j];
  to[i + 1] += times * from[j + 1];
  to[i + 2] += times * from[j + 2];
}

/** Take from a vector what points away from the sphere at a unit vector. */
export function alongSphere(vectors, i, points, j) {
  add(vectors, i, points, j, -dot(vectors, i, points, j));
}
