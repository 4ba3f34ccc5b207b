// The sphere lab: free points under two losses, from one start; or under one.

import { isUneven } from "../stage/core/classes.js";
import { button, choice, h, number, popup, swatch } from "../stage/core/dom.js";
import { simplexAngle } from "../stage/core/geometry.js";
import { fetchFrom, json } from "../stage/core/server.js";
import { batchesIn, filled } from "../stage/core/templates.js";
import { Formulas } from "./formulas.js";
import { outcomeInWords } from "./outcome.js";
import { settingsOf } from "./panel.js";
import { OPENS } from "./address.js";
import { PREDICTED } from "./predicted.js";
import { ROOM, nameOf, notesOn, questionOf, switchesOf, variantOf } from "./settings.js";
import { Side } from "./side.js";

const RATE = 0.08; // steps a millisecond
const MOST_AT_ONCE = 8; // steps a frame
const UNSEEN_AT_ONCE = 40; // for who wants less motion
const LENGTH = 900; // steps of a play
const REST = 3; // frames from one drawing of dials and charts to the next
const KEPT = 100; // predictions

export class TwoSpheres {
  bound = [];
  known = new Map(Object.entries(PREDICTED)); // (K, K) degrees by what was asked; null where nothing is predicted
  still = matchMedia("(prefers-reduced-motion: reduce)");
  frames = 0;
  waits = true; // to be seen, and then plays
  scale = 0; // of arrows: the longest, in radians of a step

  /**
   * @param {Object} told see `told` in __init__.py, with the `words` of a language @param {Object} shown as OPENS; one
   *   loss: one sphere; `isSecret`: it waits at its start, and no prediction is told, until it is played or revealed
   * @param {(shown: Object) => void} keep is told of what was set
   */
  constructor(host, told, shown = OPENS, keep = () => {}) {
    Object.assign(this, { host, told, words: told.words, keep, isSecret: shown.isSecret ?? false });
    host.style.setProperty("--tail", told.tail);
    this.colours = { classes: told.classes, tail: told.tail, other: told.neutral };
    const { counts, temperature, batch, seed, losses } = shown;
    this.state = { counts, temperature, batch, seed, playing: false, until: LENGTH, drags: "point" };
    this.sides = losses.map((variant) => new Side(this, switchesOf(variant)));
    this.build();
    this.reset();
    this.observer = new IntersectionObserver((entries) => this.see(entries.at(-1).isIntersecting));
    this.observer.observe(host);
  }

  // Fields of the state, as the controls of dom.js know them.

  bind(update) {
    this.bound.push(update);
    update();
  }

  set(changes) {
    Object.assign(this.state, changes);
    for (const update of this.bound) update();
  }

  build() {
    const { words } = this;
    const play = button("", () => (this.state.playing ? this.pause() : this.play()), { class: "primary play" });
    this.bind(() => (play.textContent = this.state.playing ? words.sphere.pause : words.sphere.play));
    const step = button(words.sphere.step, () => (this.pause(), this.advance(1), this.draw(true)));
    const seed = h("output");
    this.bind(() => (seed.value = filled(words.sphere.seed_is, { seed: this.state.seed })));
    const another = button(words.sphere.another, () => this.change({ seed: (this.state.seed + 1) % 100000 }));
    const more = button(words.sphere.more);
    this.time = h("output", { class: "time" });
    this.legend = h("div", { class: "legend" });
    this.notes = h("ul", { class: "notes" });
    this.said = h("p", { class: "said", role: "status" });
    const settings = settingsOf(this);
    this.formulas = new Formulas(this);
    popup(more, settings);
    this.host.replaceChildren(
      h(
        "div",
        { class: "controls" },
        play,
        step,
        button(words.sphere.again, () => (this.reset(), this.play())),
        another,
        seed,
        this.time,
        choice(this, "drags", words.sphere.drag, [["point", words.sphere.drag_point], ["class", words.sphere.drag_class]]),
        more,
        settings,
      ),
      h("div", { class: "sides" }, this.sides.map(({ element }) => element)),
      this.legend,
      this.said,
      this.notes,
      this.formulas.element,
    );
  }

  /** Other settings: τ alone goes on from where the points are, all else begins anew. */
  change(changes) {
    this.set(changes);
    if (Object.keys(changes).join() !== "temperature") this.reset();
    else {
      for (const side of this.sides) side.turn({});
      this.foretell();
    }
    this.tellKeeper();
    this.play();
  }

  /** A switch of one sphere, whose points go on from where they are. */
  turn(side, switches) {
    side.turn(switches);
    this.set({});
    this.foretell();
    this.tellKeeper();
    this.play();
  }

  tellKeeper() {
    const { counts, temperature, batch, seed } = this.state;
    this.keep({ counts, temperature, batch, seed, losses: this.sides.map(({ switches }) => variantOf(switches)) });
  }

  /** Play what waited, as soon as it is seen, and tell what is predicted of it. */
  reveal() {
    if (this.isSeen) this.play();
    else {
      this.waits = true;
      this.tellAll();
    }
  }

  tellAll() {
    this.isSecret = false;
    this.foretell();
  }

  reset() {
    this.set({ until: LENGTH });
    for (const side of this.sides) side.reset();
    this.choose(null);
    this.foretell();
    this.draw(true, 1);
  }

  play() {
    if (this.isSecret) this.tellAll();
    const { until } = this.state;
    const left = until - this.sides[0].simulation.time;
    this.set({ playing: true, until: left < LENGTH / 3 ? until - left + LENGTH : until });
    this.last = performance.now();
    this.said.textContent = "";
    this.invalidate();
  }

  pause() {
    this.set({ playing: false });
    this.draw(true);
    this.said.textContent = outcomeInWords(this.sides, this.size, this.words);
  }

  advance(steps) {
    for (let i = 0; i < steps; i++) for (const side of this.sides) side.step();
  }

  /** Play as soon as it is seen, and rest while it is not. */
  see(isSeen) {
    this.isSeen = isSeen;
    if (isSeen && this.waits && !this.isSecret) this.play();
    const rests = !isSeen && this.state.playing;
    if (rests) this.pause();
    this.waits = !isSeen && (this.waits || rests);
  }

  invalidate() {
    this.waiting ??= requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.waiting = undefined;
    const { playing, until } = this.state;
    if (playing) {
      const left = until - this.sides[0].simulation.time;
      const due = this.still.matches ? UNSEEN_AT_ONCE : Math.min(MOST_AT_ONCE, Math.round((now - this.last) * RATE));
      this.last = now;
      this.advance(Math.max(0, Math.min(due, left)));
      if (left <= due) return this.pause();
      this.invalidate();
      if (this.still.matches && !this.sides.some(({ simulation }) => simulation.held.size)) return;
    }
    this.draw(!playing || this.frames++ % REST === 0);
  }

  /** @param {boolean} isWhole dials and charts, too */
  draw(isWhole, ease = this.still.matches ? 1 : undefined) {
    if (isWhole) {
      this.time.value = filled(this.words.sphere.at_step, { step: this.sides[0].simulation.time });
      this.scale = Math.max(...this.sides.map((side) => side.weigh()));
    }
    for (const side of this.sides) side.draw(isWhole, ease);
    if (isWhole) this.formulas.draw();
  }

  choose(image) {
    const had = this.sides[0].chosen !== null;
    for (const side of this.sides) Object.assign(side, { chosen: image, forces: null });
    if (had !== (image !== null)) this.tellLegend();
    if (!this.state.playing) this.draw(true);
  }

  /** Ask what these batches come to, for each sphere. */
  async foretell() {
    this.tellLegend();
    this.tellNotes();
    if (this.isSecret) return;
    await Promise.all(
      this.sides.map(async (side) => {
        const asked = this.question(side);
        side.predicted = this.known.get(asked) ?? null;
        side.isForetold = true; // as far as is known before there is an answer
        if (this.known.has(asked)) return;
        const found = await this.prediction(asked).catch(() => undefined);
        if (found === undefined) {
          if (this.question(side) === asked) side.isForetold = false;
          return;
        }
        if (this.known.size >= KEPT) this.known.clear();
        this.known.set(asked, found);
        if (this.question(side) === asked) side.predicted = found;
      }),
    );
    this.tellLegend();
    this.tellNotes();
    if (!this.state.playing) this.draw(true);
  }

  question({ switches }) {
    return questionOf({ ...this.state, variant: variantOf(switches) });
  }

  /** @returns {Promise<?number[]>} (K, K) degrees; null where nothing is predicted, undefined where nobody can be asked */
  async prediction(asked) {
    const { counts } = this.state;
    if (counts.length > ROOM) return null;
    if (!isUneven(counts)) return Array(counts.length ** 2).fill(simplexAngle(counts.length));
    const { prefix } = this.told;
    return prefix === null ? undefined : json(await fetchFrom(prefix)(`sphere/predicted?${asked}`)).angles;
  }

  tellLegend() {
    const { words, state: { counts } } = this;
    const line = (colour, dash, text) => h("span", {}, swatch({ colour, dash }), text);
    const [side] = this.sides;
    const names = side.isUneven ? [...side.pair].sort((a, b) => a - b).map(nameOf).join("–") : words.sphere.closest_pair;
    const entries = [
      line(this.colours.tail, "solid", names),
      line(this.colours.other, "solid", words.sphere.other_pairs),
    ];
    if (!this.isSecret) {
      const angle = `${number(simplexAngle(counts.length), 1)}°`;
      entries.push(line("currentColor", "dash", filled(words.sphere.regular, { angle })));
    }
    const foretold = filled(words.sphere.predicted, { batches: batchesIn(words, this.size) });
    if (this.sides.some(({ predicted }) => predicted)) entries.push(line("currentColor", "dot", foretold));
    const classes = counts.map((count, k) =>
      h("span", { class: "class" }, h("i", { style: `background: ${this.colours.classes[k]}` }), `${nameOf(k)} ${count}`),
    );
    if (this.sides.some(({ switches }) => switches.complement)) classes.push(h("span", {}, words.sphere.prototype));
    if (side.chosen !== null) classes.push(h("span", {}, words.sphere.arrows));
    this.legend.replaceChildren(...classes, ...entries);
  }

  tellNotes() {
    const isForetold = this.sides.every((side) => side.isForetold);
    const notes = notesOn(this.state, this.sides.map(({ switches }) => switches), this.words, isForetold);
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
  }

  /** Images in a batch; null where it holds them all. */
  get size() {
    const { batch } = this.state;
    return batch >= this.sides[0].simulation.n ? null : batch;
  }

  get pictures() {
    return this.sides.flatMap(({ sheets }) => sheets);
  }

  remove() {
    this.observer.disconnect();
    cancelAnimationFrame(this.waiting);
    this.set({ playing: false });
  }
}
