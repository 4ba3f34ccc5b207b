// One of the two spheres: its loss and switches, the sphere, the dial, and its angles over the steps.

import { isUneven } from "../stage/core/classes.js";
import { button, h, number, swatch } from "../stage/core/dom.js";
import { groupsOf, rarestOf, simplexAngle } from "../stage/core/geometry.js";
import { batchesIn, filled } from "../stage/core/templates.js";
import { Sheet } from "../stage/plots/sheet.js";
import { drawBall, placeOf, pointAt, unprojected } from "./ball.js";
import { Camera } from "./camera.js";
import { Course, drawCourse } from "./course.js";
import { drawDial } from "./dial.js";
import { Hand } from "./hand.js";
import { LADDER, nameOf, variantOf } from "./settings.js";
import { Simulation } from "./simulation.js";

export class Side {
  camera = new Camera();
  chosen = null; // image whose forces are drawn
  forces = null;
  predicted = null; // (K, K) degrees
  isForetold = true; // or else nobody is there who could say what is predicted

  /** @param {Object} lab that holds both sides @param {Switches} switches of the loss */
  constructor(lab, switches) {
    const { words } = lab;
    Object.assign(this, { lab, words, switches });
    this.title = h("h3");
    this.steps = h("div", { class: "steps" });
    this.ball = h("canvas", { class: "ball", tabindex: 0, role: "application", "aria-description": words.sphere.keys });
    this.dial = h("canvas", { class: "dial", "aria-hidden": "true" });
    this.angle = h("output", { class: "angle", "aria-live": "off" });
    this.what = h("span", { class: "what" });
    this.also = ["foretold", "prototypes"].map((name) => h("p", { class: `also ${name}` }));
    this.chart = h("canvas", { class: "course", role: "img" });
    this.pushes = h("p", { class: "pushes" });
    this.element = h(
      "section",
      { class: "side" },
      h("header", {}, this.title, this.steps),
      h(
        "div",
        { class: "view" },
        this.ball,
        h("div", { class: "dialled" }, this.dial, h("p", {}, this.angle, this.what), this.also),
        this.chart,
      ),
      this.pushes,
    );
    this.hand = new Hand(this.ball, this);
    this.sheets = [
      new Sheet(this.ball, (...sheet) => this.paintBall(...sheet)),
      new Sheet(this.dial, (...sheet) => this.paintDial(...sheet)),
      new Sheet(this.chart, (...sheet) => this.paintCourse(...sheet)),
    ];
  }

  /** Begin anew, from the start that both sides share. */
  reset() {
    const { counts, temperature, seed, batch } = this.lab.state;
    this.simulation = new Simulation(counts, { ...this.switches, temperature }, { seed, size: batch });
    this.course = new Course();
    this.course.add(0, this.simulation.angles);
    this.pair = rarestOf(groupsOf(counts)).slice(-2);
    this.isUneven = isUneven(counts);
    [this.chosen, this.forces] = [null, null];
    this.camera = new Camera();
    this.camera.follow(...this.pairMeans(), 1);
    this.offer();
  }

  /** Go on under another loss or τ. */
  turn(switches) {
    Object.assign(this.switches, switches);
    this.simulation.switches = { ...this.switches, temperature: this.lab.state.temperature };
    this.offer();
  }

  /** Say which loss this is, and offer the next switch and the last one. */
  offer() {
    const { words, lab: { told } } = this;
    const variant = variantOf(this.switches);
    this.name = words.losses[variant];
    this.title.replaceChildren(swatch(told.losses[variant]), this.name);
    const next = LADDER.find(({ isOn }) => !isOn(this.switches));
    const last = LADDER.findLast(({ isOn }) => isOn(this.switches));
    const step = (rung, on) => {
      if (!rung) return null;
      const name = words.formula.switches[rung.name];
      const label = filled(on ? words.sphere.add : words.sphere.take_away, { name });
      return button(`${on ? "+" : "−"} ${name}`, () => this.lab.turn(this, rung.turned(on)), { "aria-label": label });
    };
    this.steps.replaceChildren(...[step(last, false), step(next, true)].filter(Boolean));
  }

  /** Degrees of the regular simplex; null while that would give the answer away. */
  get regular() {
    return this.lab.isSecret ? null : simplexAngle(this.lab.state.counts.length);
  }

  step() {
    this.simulation.step();
    this.course.add(this.simulation.time, this.simulation.angles);
  }

  /** The dial's pair: the two rarest, or, of equal counts, the two closest. */
  get dialled() {
    if (this.isUneven) return this.pair;
    const { angles, K } = this.simulation;
    let closest = [1, 0];
    for (let b = 1; b < K; b++) {
      for (let a = 0; a < b; a++) if (angles[b * K + a] < angles[closest[0] * K + closest[1]]) closest = [b, a];
    }
    return closest;
  }

  /** Degrees between two classes: their means, what is predicted of them, and their prototypes; null for none. */
  read([a, b]) {
    const { angles, prototypeAngles, K } = this.simulation;
    const at = a * K + b;
    return { angle: angles[at], predicted: this.predicted?.[at] ?? null, prototypes: prototypeAngles?.[at] ?? null };
  }

  /** Find what moves the chosen point now. @returns {number} the longest of it, in radians of a step */
  weigh() {
    if (this.chosen === null) return 0;
    const { pull, pushes } = (this.forces = this.simulation.forces(this.chosen));
    return Math.max(...[pull, ...pushes].map((vector) => Math.hypot(...vector)));
  }

  pairMeans() {
    const means = this.simulation.means();
    return this.pair.map((k) => [...means.subarray(3 * k, 3 * k + 3)]);
  }

  /** @param {boolean} isWhole the dial and the angles over the steps, too, which move slowly */
  draw(isWhole, ease) {
    if (!this.simulation.held.size) this.camera.follow(...this.pairMeans(), ease);
    this.sheets[0].draw();
    if (!isWhole) return;
    this.write();
    for (const sheet of this.sheets.slice(1)) sheet.draw();
  }

  write() {
    const { words, lab, dialled: pair } = this;
    const { angle, predicted, prototypes } = this.read(pair);
    const names = [...pair].sort((a, b) => a - b).map(nameOf).join("–");
    this.angle.value = `${number(angle)}°`;
    this.what.textContent = filled(this.isUneven ? words.sphere.rarest : words.sphere.closest, { names });
    const [foretold, theirs] = this.also;
    const none = lab.isSecret ? "" : words.sphere.no_prediction;
    const shown = { batches: batchesIn(words, lab.size), angle: `${number(predicted, 1)}°` };
    foretold.textContent = predicted === null ? none : filled(words.sphere.predicted_angle, shown);
    const apart = filled(words.sphere.prototypes_angle, { angle: `${number(prototypes)}°` });
    theirs.textContent = prototypes === null ? words.sphere.no_prototypes : apart;
    if (!lab.state.playing) {
      const { time } = this.simulation;
      const said = filled(words.sphere.stand, { loss: this.name, names, angle: `${number(angle)}°`, step: time });
      this.ball.ariaLabel = filled(words.sphere.ball, { said });
      this.chart.ariaLabel = filled(words.sphere.chart, { said });
    }
    this.pushes.textContent = this.forces === null ? "" : this.pushesInWords();
  }

  pushesInWords() {
    const { words, forces: { pull, pushes } } = this;
    const name = nameOf(this.simulation.classes[this.chosen]);
    const lengths = pushes.map((push) => Math.hypot(...push));
    const all = lengths.reduce((sum, length) => sum + length, 0);
    if (!(all > 1e-12)) return filled(words.sphere.unpushed, { name });
    const shares = lengths.map((length, k) => `${nameOf(k)} ${number((100 * length) / all, length < 0.1 * all ? 1 : 0)} %`);
    const pulled = number(Math.hypot(...pull) / all, 2);
    return filled(words.sphere.pushed, { name, shares: shares.join(words.joining.comma), pulled });
  }

  paintBall(context, width, height, theme) {
    if (!this.simulation) return;
    const { simulation, chosen, forces, lab: { scale, colours } } = this;
    const pair = this.dialled;
    drawBall(context, width, height, theme, { simulation, rows: this.camera.rows, pair, chosen, forces, scale }, colours);
  }

  paintDial(context, width, height, theme) {
    if (!this.simulation) return;
    const told = { ...this.read(this.dialled), regular: this.regular };
    drawDial(context, width, height, theme, told, this.lab.colours.tail);
  }

  paintCourse(context, width, height, theme) {
    if (!this.simulation) return;
    const { regular, predicted, words, simulation: { K }, lab: { state, colours } } = this;
    const told = { regular, predicted, pair: this.dialled, K, end: state.until, words };
    drawCourse(context, width, height, theme, this.course, told, colours);
  }

  // What a hand does.

  get place() {
    return placeOf(...this.sheets[0].size);
  }

  pointAt(x, y) {
    return pointAt(this.simulation, this.camera.rows, this.place, x, y);
  }

  hold(image, x, y, isFirst) {
    const { simulation, camera: { rows }, lab } = this;
    if (isFirst) {
      const own = simulation.classes[image];
      const isHeld = (other) => other === image || (lab.state.drags === "class" && simulation.classes[other] === own);
      const others = Array.from(simulation.classes.keys()).filter((other) => isHeld(other) && other !== image);
      this.holding = [image, ...others];
      simulation.held = new Set(this.holding);
      const at = simulation.points.subarray(3 * image, 3 * image + 3);
      this.isBehind = rows[2].reduce((sum, part, axis) => sum + part * at[axis], 0) < 0;
      lab.choose(image);
      lab.play();
    }
    simulation.drag(this.holding, unprojected(rows, this.place, x, y, this.isBehind));
    lab.invalidate();
  }

  release() {
    this.simulation.held.clear();
    this.lab.play();
  }

  /** By pixels: a hand takes the sphere's front along. */
  turnBall(right, up) {
    const { radius } = this.place;
    this.camera.turn(right / radius, up / radius);
    this.lab.invalidate();
  }

  choose(image) {
    this.lab.choose(image);
  }

  next() {
    const { classes, K } = this.simulation;
    this.lab.choose(this.firstOf(this.chosen === null ? this.pair.at(-1) : (classes[this.chosen] + 1) % K));
  }

  /** The image that is asked about: the chosen one, or else one of the rarest class. */
  get image() {
    return this.chosen ?? this.firstOf(this.pair.at(-1));
  }

  firstOf(k) {
    return this.simulation.counts.slice(0, k).reduce((sum, count) => sum + count, 0);
  }

  level() {
    this.camera.level();
    this.lab.invalidate();
  }
}
