// The embedding of every run, all turned together, and what is marked in it.

import { GROUP_TITLES, classLabels } from "../core/classes.js";
import { TourColumn } from "./embedding_column.js";
import { button, choice as choiceOf, h, icon, menu, number, toggle } from "../core/dom.js";
import { choice, listOf, matching, oneOf, someOf } from "../core/fields.js";
import { tell } from "../core/glossary.js";
import { optimumOf } from "../core/words.js";
import { Lens } from "./lens.js";
import { ALONE, METHODS } from "./projection.js";
import { area, dot, legendOf, mark, ring } from "./signs.js";
import { angleTo, sum } from "../core/geometry.js";
import { autoStep, decode, drag, encode, face, facePlane, identity, randomTarget } from "./tour.js";

const TURN = 0.8; // seconds that facing a class takes
const DISC = "M13 8a5 5 0 1 1-10 0a5 5 0 1 1 10 0z";
// Each with its sign, and whether that is filled.
const LAYERS = [
  ["simplex", "regular simplex", "M3.5 3.5h9v9h-9z", false],
  ["predicted", null, "M3.5 3.5l9 9M12.5 3.5l-9 9", false], // in words that say for which batches
  ["means", "class means", DISC, true],
  ["trails", "trails", "M2 13l4-6l4 2l4-7", false],
  ["prototypes", "prototypes", "M8 2l6 6l-6 6l-6-6z", true],
  ["classifier", "classifier weights", "M8 2.5l6 10.5h-12z", true],
  ["shuffled", "shuffled labels", null],
];
const FITS = [["aligned", "aligned over epochs"], ["pca", "PCA of this epoch"], ["umap", "UMAP of this epoch"]];
const ALIGNED =
  "Each dot is an image, turned so that the [class means|class mean] come as near to a [regular simplex] as they can, " +
  "the same way over all epochs. Angles in this view are not the true ones: choose two classes, by their marks, to print " +
  "theirs. Below a picture: what its dimensions keep, and of each image's five nearest neighbours, as fitted. ";
const SHUFFLED =
  " Shuffled labels: the picture is fitted to labels dealt out at random, and coloured by them. Colours that gather " +
  "here would be made by the picture; the images themselves may cluster as they do anyway.";
const MODES = [["turn", "Turn"], ["lasso", "Lasso"], ["box", "Box"]];
const COLOURS = [
  ["class", "class"],
  ["group", "frequency"],
  ["correct", "right or wrong"],
  ["confidence", "confidence"],
];

export class Embedding extends Lens {
  seed = 1;

  static key = "embedding";
  static title = "Embedding";
  static proof = "theory#5-the-metrics";
  static samples = true;
  static fields = {
    fit: oneOf(...FITS.map(([fit]) => fit)), // how the picture is made
    split: oneOf("test", "train"),
    dims: choice("2", { 2: 2, 3: 3 }),
    colour: oneOf(...COLOURS.map(([colour]) => colour)),
    layers: someOf("simplex.means", ...LAYERS.map(([layer]) => layer)),
    // The classes whose true angle is printed.
    pair: listOf((items) => items.length <= 2 && items.every((item) => /^\d{1,4}$/.test(item)), Number),
    basis: matching("", /^([\w-]{8}){3,10}$/), // for tour.js to decode; null: as coordinates come
  };

  build() {
    const { stage } = this;
    const roam = () => (this.auto.ariaPressed === "true" ? this.move(null) : this.tour());
    this.auto = button("Tour", roam, { "aria-pressed": "false", disabled: stage.still.matches });
    this.modes = MODES.map(([mode, text]) => button(text, () => this.setMode(mode), { value: mode }));
    this.class = h("select", { "aria-label": "Class" });
    this.depth = choiceOf(stage, "dims", "", [[2, "2D"], [3, "3D"]]);
    this.steering = h("div", { class: "controls turning" }, [
      this.auto,
      button("Face", () => this.faceClass()),
      this.class,
      button("Select its images", () => this.selectClass()),
      button("Tail against head", () => this.faceGroups()),
      button("As fitted", () => this.turnTo(() => identity(this.dims))),
    ]);
    const sign = (path, isFilled) => path && icon(path, isFilled);
    const layers = LAYERS.map(([layer, text, ...of]) => toggle(stage, "layers", text ?? this.optimum, layer, sign(...of)));
    this.layers = layers;
    this.ofAligned = [this.depth, this.steering, ...layers.filter((_, i) => LAYERS[i][0] !== "means")];
    const dragging = h("span", { class: "buttons", role: "group", "aria-label": "Dragging" }, this.modes);
    if (stage.ask) this.offer(menu(stage, "fit", "picture", FITS));
    const split = choiceOf(stage, "split", "", [["test", "test"], ["train", "train"]]);
    this.offer(this.depth, split, choiceOf(stage, "colour", "colour", COLOURS), dragging);
    this.offer(...layers);
    this.pair = h("p", { class: "summary pair", role: "status" });
    this.words.before(this.steering, this.pair);
    this.addColumns((content, run) => new TourColumn(stage, content, run, this));
    this.dims = Math.max(3, ...this.parts.map((part) => part.dims));
    this.lookFrom(stage.state.basis);
    const [first] = this.parts;
    const labels = first ? classLabels(first.classes.names, first.classes.counts) : [];
    this.class.append(...labels.map((label) => h("option", {}, label)));
    this.setMode("turn");
  }

  /** Who does not look needs no graphics card. */
  refresh() {
    for (const { points } of this.parts) this.wanted ? points.wake() : points.sleep();
    super.refresh();
  }

  /** Whether each epoch is a picture of its own. */
  get alone() {
    return this.parts.some((part) => part.alone);
  }

  get optimum() {
    return optimumOf(this.stage.runs);
  }

  options() {
    const { alone, stage } = this;
    const { layers, split, fit } = stage.state;
    for (const part of this.parts) part.options();
    for (const control of this.ofAligned) control.hidden = alone;
    if (!alone) this.offerLayers();
    if (alone && this.motion) this.move(null);
    const aside = alone || split === "train" ? "" : " that it was not fitted on";
    const shown = `Shown are ${split} images${aside}.`;
    const shuffled = layers.includes("shuffled") && !alone;
    const words = alone ? `${METHODS[fit]}: ${ALONE[0].toLowerCase()}${ALONE.slice(1)} ` : ALIGNED;
    tell(this.words, `${words}${shown}${shuffled ? SHUFFLED : ""}`, stage.told.glossary);
    this.legend.replaceChildren(...legendOf(this.signs()));
    this.pair.textContent = this.pairInWords();
  }

  arrived() {
    if (!this.alone) this.offerLayers();
  }

  /** Leave out what no run has, unless it is switched on. */
  offerLayers() {
    const { runs, state } = this.stage;
    const isOf = {
      prototypes: (run) => run.mayHave("prototypes"),
      predicted: ({ classes }) => !classes || classes.predicted,
      classifier: ({ about }) => !about || about.space === "backbone",
    };
    LAYERS.forEach(([layer], i) => {
      this.layers[i].hidden = !state.layers.includes(layer) && layer in isOf && !runs.some(isOf[layer]);
    });
  }

  signs() {
    const { alone, stage } = this;
    const { layers, colour } = stage.state;
    const { groups, neutral, amount } = stage.told;
    const shown = LAYERS.filter(([layer, , path]) => path && layers.includes(layer) && (!alone || layer === "means"));
    const marks = shown.map(([, text, ...sign]) => [mark(...sign), alone ? "middle of a class" : (text ?? this.optimum)]);
    const colours = {
      class: [],
      group: Object.entries(groups).map(([group, of]) => [dot(of), GROUP_TITLES[group]]),
      correct: [[dot(neutral), "predicted right"], [dot(groups.tail), "wrong"]],
      confidence: [[area(amount), "the bluer, the surer"]],
    };
    return [...marks, [ring(), "image predicted wrong"], ...colours[colour]];
  }

  viewed() {
    for (const part of this.parts) part.scenes = new WeakMap(); // trails have grown
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      part.show(snapshot);
      const fault = run.fault("samples");
      if (fault) column.say(`The samples of this run cannot be shown. ${fault}`);
    }
    this.pair.textContent = this.pairInWords();
  }

  frame() {
    for (const { run, part } of this.drawn()) part.place(this.stage.tween(run), this.basis);
  }

  get moving() {
    return this.open && Boolean(this.motion);
  }

  tick(seconds) {
    this.motion?.(seconds);
  }

  /** @param {?(seconds: number) => void} motion what turns the picture @param {boolean} isTour whether it roams */
  move(motion, isTour = false) {
    this.motion = motion;
    this.auto.ariaPressed = String(isTour);
    this.stage.mark("frame", "address");
  }

  tour() {
    let target = randomTarget(this.dims, this.seed++);
    this.move((seconds) => {
      const { basis, arrived } = autoStep(this.basis, target, seconds);
      this.basis = basis;
      if (arrived) target = randomTarget(this.dims, this.seed++);
    }, true);
  }

  drag(right, up) {
    if (this.alone) return;
    this.basis = drag(this.basis, right, up);
    this.move(null);
  }

  /** @param {(fraction: number) => Float64Array} at the basis after so much of the turn */
  turnTo(at) {
    let done = this.stage.still.matches ? 1 : 0;
    this.move((seconds) => {
      done = Math.min(1, done + seconds / TURN);
      this.basis = at(done * done * (3 - 2 * done));
      if (done === 1) this.move(null);
    });
  }

  written() {
    if (this.basis === this.found) return this.stage.state.basis; // also before it is built
    const text = encode(this.basis);
    return text === encode(identity(this.dims)) ? null : text;
  }

  /** Look from where an address says; null: as fitted. */
  lookFrom(basis) {
    if (!this.dims) return; // not built yet: it is found in the state then
    this.basis = decode(basis ?? "", this.dims) ?? identity(this.dims);
    this.found = this.basis; // as the address has it
  }

  means() {
    const [column] = [...this.drawn()];
    const means = column?.snapshot.arrays.class_mean_coordinates;
    if (!means) return null;
    const [K, D] = means.shape;
    return Array.from({ length: K }, (_, k) => means.data.subarray(k * D, (k + 1) * D));
  }

  faceClass() {
    const [means, start, k] = [this.means(), this.basis, this.class.selectedIndex];
    if (means) this.turnTo((fraction) => face(start, means[k], fraction));
  }

  faceGroups() {
    const [means, start] = [this.means(), this.basis];
    if (!means) return;
    const { head, tail } = this.parts[0].classes.groups;
    const middle = (group) => means[0].map((_, i) => sum(group.map((k) => means[k][i] || 0)) / group.length);
    this.turnTo((fraction) => facePlane(start, middle(tail), middle(head), fraction));
  }

  setMode(mode) {
    for (const item of this.modes) item.ariaPressed = String(item.value === mode);
    for (const part of this.parts) part.points.setMode(mode);
  }

  selectClass() {
    const [[part], k] = [this.parts, this.class.selectedIndex];
    if (part?.samples) part.select(part.shown.filter((row) => part.samples.labels[row] === k), "replace");
  }

  choose(k) {
    const { pair } = this.stage.state;
    this.class.selectedIndex = k;
    this.stage.set({ pair: pair.includes(k) ? pair.filter((other) => other !== k) : [...pair.slice(-1), k] });
  }

  /** The true angle of the chosen pair of classes, in every run. */
  pairInWords() {
    const [a, b = a] = this.stage.state.pair;
    const shown = [...this.drawn()].filter(({ run }) => Math.max(a, b) < run.classes.names.length);
    if (!shown.length) return "";
    const { names, regular } = shown[0].run.classes;
    if (a === b) return `${names[a]} is chosen; choose another class.`;
    const angles = shown.map(({ run, snapshot }) => {
      const means = snapshot.arrays.class_means;
      const angle = means && angleTo(means.data, means.shape[1], a, means.data, b);
      return `${run.told.label} ${number(angle, 1)}°`;
    });
    const target = `regular simplex ${number(regular, 1)}°`;
    return `True angle between ${names[a]} and ${names[b]}: ${angles.join(", ")}; ${target}.`;
  }
}
