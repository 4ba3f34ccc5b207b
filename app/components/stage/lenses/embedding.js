// The embedding of every run, all turned together, and what is marked in it.

import { classLabels } from "../core/classes.js";
import { TourColumn } from "./embedding_column.js";
import { choice as choiceOf, h, icon, menu, number, toggle } from "../core/dom.js";
import { choice, matching, oneOf, someOf, wholeNumbers } from "../core/fields.js";
import { tell } from "../core/glossary.js";
import { Lens } from "./lens.js";
import { ALONE, METHODS } from "./projection.js";
import { area, dot, legendOf, mark, ring } from "./signs.js";
import { angleTo } from "../core/samples.js";
import { autoStep, decode, drag, encode, face, facePlane, identity, randomTarget } from "./tour.js";

const TURN = 0.8; // seconds that facing a class takes
const DISC = "M13 8a5 5 0 1 1-10 0a5 5 0 1 1 10 0z";
const CROSS = "M3.5 3.5l9 9M12.5 3.5l-9 9";
const SIGNS = {
  simplex: [DISC, false],
  predicted: [CROSS, false],
  means: [DISC],
  trails: ["M2 13l4-6l4 2l4-7", false],
  prototypes: ["M8 2l6 6l-6 6l-6-6z"],
  classifier: ["M8 2.5l6 10.5h-12z"],
};
const LAYERS = [
  ["simplex", "ideal simplex"],
  ["predicted", "predicted optimum"],
  ["means", "class means"],
  ["trails", "trails"],
  ["prototypes", "prototypes"],
  ["classifier", "classifier weights"],
  ["shuffled", "shuffled labels"],
];
const FITS = [["aligned", "aligned over epochs"], ["pca", "PCA of this epoch"], ["umap", "UMAP of this epoch"]];
const ALIGNED =
  "Each dot is an image, turned so that the [class means|class mean] come as near to a [regular simplex] as they can, " +
  "the same way over all epochs. Angles in this view are not the true ones: choose two classes, by their marks, to print " +
  "theirs. Below a picture: what its dimensions keep, and of each image's five nearest neighbours, as fitted. ";
const SHUFFLED =
  " Shuffled labels: the picture is fitted to labels dealt out at random, and coloured by them. Colours that gather " +
  "here would be made by the picture; the images themselves may cluster as they do anyway.";
const DIMS = [[2, "2D"], [3, "3D"]];
const SPLITS = [["test", "test"], ["train", "train"]];
const MODES = [["turn", "Turn"], ["lasso", "Lasso"], ["box", "Box"]];
const COLOURS = [
  ["class", "class"],
  ["group", "frequency"],
  ["correct", "right or wrong"],
  ["confidence", "confidence"],
];

export class Embedding extends Lens {
  mode = "turn";
  seed = 1;
  parts = [];

  static key = "embedding";
  static title = "Embedding";
  static fields = {
    fit: oneOf(...FITS.map(([fit]) => fit)), // how the picture is made
    split: oneOf("test", "train"),
    dims: choice("2", { 2: 2, 3: 3 }),
    colour: oneOf("class", "group", "correct", "confidence"),
    layers: someOf("simplex.means", ...LAYERS.map(([layer]) => layer)),
    pair: wholeNumbers("", 2), // the classes whose true angle is printed
    basis: matching("", /^([\w-]{8}){3,10}$/), // for tour.js to decode; null: as coordinates come
  };

  build() {
    const { stage } = this;
    const button = (text, onclick) => h("button", { type: "button", onclick }, text);
    this.auto = button("Tour", () => this.toggleAuto());
    this.auto.ariaPressed = "false";
    this.auto.disabled = stage.still.matches;
    this.modes = MODES.map(([mode, text]) => Object.assign(button(text, () => this.setMode(mode)), { value: mode }));
    this.class = h("select", { "aria-label": "Class" });
    this.depth = choiceOf(stage, "dims", "", DIMS);
    const looks = [
      this.depth,
      choiceOf(stage, "split", "", SPLITS),
      choiceOf(stage, "colour", "colour", COLOURS),
      h("span", { class: "buttons", role: "group", "aria-label": "Dragging" }, this.modes),
    ];
    const steering = [
      this.auto,
      button("Face", () => this.faceClass(this.class.selectedIndex)),
      this.class,
      button("Select its images", () => this.selectClass(this.class.selectedIndex)),
      button("Tail against head", () => this.faceGroups()),
      button("As fitted", () => this.turnTo(() => identity(this.dims))),
    ];
    const sign = (layer) => (layer in SIGNS ? icon(...SIGNS[layer]) : null);
    const layers = LAYERS.map(([layer, text]) => [layer, toggle(stage, "layers", text, layer, sign(layer))]);
    this.steering = h("div", { class: "controls" }, steering);
    this.ofAligned = layers.filter(([layer]) => layer !== "means").map(([, control]) => control);
    const menus = [
      stage.ask && h("div", { class: "controls" }, menu(stage, "fit", "picture", FITS)),
      h("div", { class: "controls" }, looks),
      h("div", { class: "controls" }, layers.map(([, control]) => control)),
      this.steering,
    ];
    this.side.append(...menus.filter(Boolean));
    this.addColumns((content, run) => new TourColumn(stage, content, run, this));
    this.legend = this.picture.appendChild(h("div", { class: "legend" }));
    this.pair = this.side.appendChild(h("p", { class: "summary pair", role: "status" }));
    this.note = this.side.appendChild(h("p", { class: "key" }));
    this.parts = this.columns.map(({ part }) => part).filter(Boolean);
    this.dims = Math.max(3, ...this.parts.map((part) => part.dims));
    this.basis = decode(stage.state.basis ?? "", this.dims) ?? identity(this.dims);
    this.found = this.basis; // as the address has it
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

  options() {
    const { alone, stage } = this;
    const { layers, split, fit } = stage.state;
    for (const part of this.parts) part.options();
    for (const control of [this.depth, this.steering, ...this.ofAligned]) control.hidden = alone;
    if (alone && this.target) this.toggleAuto();
    const aside = alone || split === "train" ? "" : " that it was not fitted on";
    const shown = `Shown are ${split} images${aside}.`;
    const shuffled = layers.includes("shuffled") && !alone;
    const words = alone ? `${METHODS[fit]}: ${ALONE[0].toLowerCase()}${ALONE.slice(1)} ` : ALIGNED;
    tell(this.note, `${words}${shown}${shuffled ? SHUFFLED : ""}`, stage.told.glossary);
    this.legend.replaceChildren(...legendOf(this.signs()));
    this.printPair();
  }

  /** What is drawn, for the legend. */
  signs() {
    const { alone, stage } = this;
    const { layers, colour } = stage.state;
    const { groups, neutral, amount } = stage.told;
    const named = LAYERS.filter(([layer]) => layer in SIGNS && layers.includes(layer) && (!alone || layer === "means"));
    const marks = named.map(([layer, text]) => [mark(...SIGNS[layer]), alone ? "middle of a class" : text]);
    const colours = {
      class: [],
      group: Object.entries(groups).map(([group, of]) => [dot(of), group]),
      correct: [[dot(neutral), "predicted right"], [dot(groups.tail), "wrong"]],
      confidence: [[area(amount), "the bluer, the surer"]],
    };
    return [...marks, [ring(), "predicted wrong"], ...colours[colour]];
  }

  viewed() {
    for (const part of this.parts) part.forget(); // trails have grown
  }

  /** Say something over a run's picture. */
  sayOf(run, text, waiting) {
    this.columns.find((column) => column.run === run)?.say(text, waiting);
  }

  rows() {
    const shown = [...this.drawn()].filter(({ part }) => part.samples);
    return shown.flatMap(({ part, snapshot }) => part.exported(snapshot, this.basis));
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      part.show(snapshot);
      const fault = run.fault("samples");
      if (fault) column.say(`The samples of this run cannot be shown. ${fault}`);
    }
    this.printPair();
  }

  frame() {
    for (const { run, part } of this.drawn()) part.place(this.stage.tween(run), this.basis);
  }

  get moving() {
    return this.open && (this.target !== undefined || this.turning !== undefined);
  }

  tick(seconds) {
    if (this.turning) {
      this.turning.done = Math.min(1, this.turning.done + seconds / TURN);
      const { done, at } = this.turning;
      this.basis = at(done * done * (3 - 2 * done));
      if (done < 1) return;
      this.turning = undefined;
      this.stage.mark("address");
    } else if (this.target) {
      const { basis, arrived } = autoStep(this.basis, this.target, seconds);
      this.basis = basis;
      if (arrived) this.target = randomTarget(this.dims, this.seed++);
    }
  }

  toggleAuto() {
    this.target = this.target ? undefined : randomTarget(this.dims, this.seed++);
    this.auto.ariaPressed = String(Boolean(this.target));
    this.turned();
  }

  drag(right, up) {
    if (this.alone) return;
    if (this.target) this.toggleAuto();
    this.turning = undefined;
    this.basis = drag(this.basis, right, up);
    this.turned();
  }

  /** @param {(fraction: number) => Float64Array} at the basis after so much of the turn */
  turnTo(at) {
    if (this.target) this.toggleAuto();
    this.turning = { at, done: this.stage.still.matches ? 1 : 0 };
    this.turned();
  }

  turned() {
    this.stage.mark("frame", "address");
  }

  /** For the address. */
  written() {
    if (this.basis === this.found) return this.stage.state.basis; // also before it is built
    const text = encode(this.basis);
    return text === encode(identity(this.dims)) ? null : text;
  }

  /** Class means of the first run that has them. */
  means() {
    const [column] = [...this.drawn()];
    const means = column?.snapshot.arrays.class_mean_coordinates;
    if (!means) return null;
    const [K, D] = means.shape;
    return Array.from({ length: K }, (_, k) => means.data.subarray(k * D, (k + 1) * D));
  }

  faceClass(k) {
    const [means, start] = [this.means(), this.basis];
    if (means) this.turnTo((fraction) => face(start, means[k], fraction));
  }

  faceGroups() {
    const [means, start] = [this.means(), this.basis];
    if (!means) return;
    const { head, tail } = this.parts[0].classes.groups;
    const meanOf = (group, i) => group.reduce((sum, k) => sum + (means[k][i] || 0), 0) / group.length;
    const middle = (group) => means[0].map((_, i) => meanOf(group, i));
    this.turnTo((fraction) => facePlane(start, middle(tail), middle(head), fraction));
  }

  setMode(mode) {
    for (const item of this.modes) item.ariaPressed = String(item.value === mode);
    for (const part of this.parts) part.points.setMode(mode);
  }

  selectClass(k) {
    const [part] = this.parts;
    if (part?.samples) part.select(part.rows().filter((row) => part.samples.labels[row] === k), "replace");
  }

  choose(k) {
    const { pair } = this.stage.state;
    this.class.selectedIndex = k;
    this.stage.set({ pair: pair.includes(k) ? pair.filter((other) => other !== k) : [...pair.slice(-1), k] });
  }

  /** Print the true angle of the chosen pair of classes, in every run. */
  printPair() {
    const [a, b] = this.stage.state.pair;
    const shown = [...this.drawn()].filter(({ run }) => Math.max(a, b ?? a) < run.classes.names.length);
    this.pair.textContent = "";
    if (a === undefined || !shown.length) return;
    const { names, regular } = shown[0].run.classes;
    if (b === undefined) {
      this.pair.textContent = `${names[a]} is chosen; choose another class.`;
      return;
    }
    const angles = shown.map(({ run, snapshot }) => {
      const means = snapshot.arrays.class_means;
      const angle = means && angleTo(means.data, means.shape[1], a, means.data, b);
      return `${run.told.label} ${number(angle, 1)}°`;
    });
    const target = `regular simplex ${number(regular, 1)}°`;
    this.pair.textContent = `True angle between ${names[a]} and ${names[b]}: ${angles.join(", ")}; ${target}.`;
  }
}
