// One run's picture of its embedding.

import { classLabels } from "../core/classes.js";
import { controlPicture, shuffled } from "./control.js";
import { h, number } from "../core/dom.js";
import { kindsOf } from "../core/geometry.js";
import { significant } from "./rows.js";
import { METHODS, inUnitDisc, middlesOf, projected } from "./projection.js";
import { NO_PROTOTYPES } from "../core/run.js";
import { identity } from "./tour.js";
import { Points, RING } from "../plots/points.js";
import { coloursOf } from "../core/samples.js";

const LABELS_UP_TO = 30; // classes
const UNSURE = "#C9CDD6";
const REST = 150; // milliseconds that the scrubber stands before what takes its time is computed
const INT16_MAX = 32767;
const NOTHING = {}; // a scene without samples
const ALONE_LAYERS = ["means"]; // of the layers, those that a picture of one epoch alone can have

export class TourColumn {
  scenes = new WeakMap(); // snapshot -> what Points is told of it

  constructor(stage, content, run, panel) {
    Object.assign(this, { stage, run, panel, classes: run.classes });
    const { names, counts, colours, simplex, predicted } = this.classes;
    this.dims = simplex[0].length;
    const host = h("div", { class: "cloud" });
    this.lack = h("span");
    this.said = h("span");
    content.append(h("div", { class: "room" }, host), h("p", { class: "summary" }, this.said, this.lack));
    this.points = new Points(host, {
      label: `Embedding, ${run.told.label}`,
      onHover: (hit) => stage.card.point(hit?.kind === "sample" ? { ...hit, column: this, row: hit.index } : null),
      onClick: (hit, how) => {
        if (hit?.kind === "class") panel.choose(hit.index);
        else if (hit) this.select(Uint32Array.of(hit.index), how);
      },
      onSelect: (rows, how) => this.select(rows, how),
      onDrag: (right, up) => panel.drag(right, up),
      onZoom: (zoom) => panel.parts.forEach((part) => part !== this && part.points.setZoom(zoom)),
    });
    const { groups, neutral, amount } = stage.told;
    const byGroup = kindsOf(this.classes.groups).map((kind) => groups[kind]);
    const verdicts = { right: neutral, wrong: groups.tail, sure: amount, unsure: UNSURE };
    this.colours = { classes: colours, groups: byGroup, ...verdicts };
    const labels = classLabels(names, counts);
    this.points.setClasses({ labels: labels.map((label) => (names.length <= LABELS_UP_TO ? label : null)), colours });
    this.pictures = [this.points];
    this.fixed = { simplex: flat(simplex), predicted: predicted && flat(predicted.coordinates) };
  }

  get samples() {
    return this.run.samples;
  }

  /** "aligned", or the method that makes each epoch flat alone; nobody can be asked for one in a saved page. */
  get fit() {
    return this.stage.ask ? this.stage.state.fit : "aligned";
  }

  get alone() {
    return this.fit !== "aligned";
  }

  rows() {
    return this.samples[this.stage.state.split];
  }

  select(rows, how) {
    this.stage.linked.select(this.run, rows, how);
  }

  options() {
    const { layers, dims } = this.stage.state;
    this.points.setLayers(this.alone ? layers.filter((layer) => ALONE_LAYERS.includes(layer)) : layers);
    this.points.setFlat(dims === 2 || this.alone);
    this.forget();
  }

  /** Make the scenes anew: there are other layers, or trails are longer. */
  forget() {
    this.scenes = new WeakMap();
  }

  /** What is asked for and cannot be shown of this run. */
  lacks({ layers: wanted, colour }) {
    const { space } = this.run.about;
    const layers = this.alone ? [] : wanted;
    const elsewhere = `The classifier's weights live in another space than this one, the ${space}.`;
    const unpredicted = this.run.fault("predicted") ?? "No optimum is predicted for this loss.";
    const uncoloured = (what) => `No ${what} were recorded; colours are those of the classes.`;
    return [
      layers.includes("classifier") && space !== "backbone" && elsewhere,
      layers.includes("prototypes") && !this.run.trainsPrototypes && NO_PROTOTYPES,
      layers.includes("predicted") && !this.fixed.predicted && unpredicted,
      colour === "correct" && !this.snapshot.get("predictions") && uncoloured("predictions"),
      colour === "confidence" && !this.snapshot.get("confidences") && uncoloured("confidences"),
    ].filter(Boolean);
  }

  /** Another epoch is shown, at which the samples may look otherwise. */
  show(snapshot) {
    this.snapshot = snapshot;
    this.fitted = null;
    this.lack.textContent = this.lacks(this.stage.state).join(" ");
    if (!this.samples) return;
    const { colour, layers } = this.stage.state;
    const control = layers.includes("shuffled") && !this.alone;
    const labels = control ? this.dealt() : this.samples.labels;
    const predictions = snapshot.get("predictions");
    const colours = coloursOf(colour, { labels, predictions, confidences: snapshot.get("confidences") }, this.colours);
    const isWrong = (label, i) => predictions && !control && predictions[i] !== label;
    const flags = Uint8Array.from(labels, (label, i) => (isWrong(label, i) ? RING : 0));
    this.points.setSamples({ dims: this.dims, rows: this.rows(), colours, flags });
    this.points.setFixed(this.fixed);
    this.points.setSelection(this.stage.linked.selectionIn(this.run));
    this.said.textContent = this.alone ? "" : `${this.kept(snapshot.metrics)} `;
    clearTimeout(this.waiting);
    if (this.alone && this.found?.key === this.keyOf(snapshot)) this.showAlone();
    else if (this.alone) this.waiting = setTimeout(() => this.fitAlone(snapshot), REST);
    else if (control) this.waiting = setTimeout(() => this.fitControl(snapshot), REST);
  }

  /** How much the picture keeps of what it shows. */
  kept({ picture_variance_kept: variance, ...metrics }) {
    const { dims } = this.stage.state;
    const near = metrics[`picture_neighbours_${dims}d`];
    const share = (value) => `${number(100 * (value ?? NaN))} %`;
    const whole = `${this.dims} dimensions keep ${share(variance)} of the variance`;
    return `${whole}, ${dims}D ${share(near)} of the near neighbours.`;
  }

  /**
   * Drawn with the next frame: names on a canvas would have the browser lay out at once what this one has changed.
   *
   * @param {{a: Object, b: Object, fraction: number}} tween snapshots
   * @param {Float64Array} basis (3, all dimensions)
   */
  place({ a, b, fraction }, basis) {
    if (!this.samples || !a) return;
    const epochs = { a: this.scene(a), b: this.scene(b), fraction };
    const alone = { a: this.fitted ?? NOTHING };
    this.points.setEpochs(this.alone ? alone : this.fitted ? { a: this.fitted } : epochs);
    this.points.setBasis(this.alone ? identity(this.dims) : basis);
  }

  scene(snapshot) {
    if (!this.scenes.has(snapshot)) this.scenes.set(snapshot, this.sceneOf(snapshot));
    return this.scenes.get(snapshot);
  }

  sceneOf(snapshot) {
    const { space } = this.run.about;
    const { layers } = this.stage.state;
    const prototypes = snapshot.get("prototype_coordinates");
    return {
      coordinates: snapshot.get("coordinates"),
      means: snapshot.get("class_mean_coordinates"),
      prototypes: this.run.trainsPrototypes ? prototypes : null,
      classifier: space === "backbone" ? prototypes : null, // without heads, the weights themselves, at unit length
      trail: layers.includes("trails") ? this.trail(snapshot.epoch) : [],
    };
  }

  /** Class means of epochs before, as far as they are here. */
  trail(until) {
    const past = this.run.trail(until).flatMap((epoch) => this.run.snapshots.get(epoch) ?? []);
    return past.flatMap((snapshot) => snapshot.get("class_mean_coordinates") ?? []);
  }

  /** Labels dealt out anew among the samples that are fitted or shown. */
  dealt() {
    const rows = Uint32Array.from([...this.samples.fits, ...this.rows()]).sort();
    return shuffled(this.samples.labels, rows);
  }

  /** Whether what was asked for at this epoch, to be shown so, is still wanted. */
  wants(snapshot, fit) {
    return this.snapshot === snapshot && this.fit === fit && this.panel.open && this.points.surface.host.isConnected;
  }

  /** The control needs the full embeddings: it is computed where the scrubber rests. */
  async fitControl(snapshot) {
    try {
      const embeddings = await this.stage.store.views.embeddings(this.run, snapshot.epoch);
      if (!this.wants(snapshot, "aligned") || !this.stage.state.layers.includes("shuffled")) return;
      this.fitted = controlPicture(embeddings, this.dealt(), this.samples.fits, this.rows(), this.classes.simplex);
      this.stage.mark("frame");
    } catch (error) {
      this.lack.textContent = error.message;
    }
  }

  /** What a picture of this epoch alone is known by. */
  keyOf({ epoch }) {
    return [this.run.age, epoch, this.fit].join("/");
  }

  /** A picture of this epoch alone is fitted by the lab, where the scrubber rests. */
  async fitAlone(snapshot) {
    const { stage, run, fit } = this;
    const { epoch } = snapshot;
    const key = this.keyOf(snapshot);
    const asking = (this.asking = {});
    const goesOn = () => this.asking === asking && this.wants(snapshot, fit);
    const say = (text, waiting = true) => goesOn() && this.panel.sayOf(run, text, waiting);
    say(`The ${METHODS[fit]} of epoch ${epoch} is asked for.`);
    try {
      const found = await projected(stage, run, epoch, fit, { goesOn, say });
      if (!found || !goesOn()) return;
      this.found = { ...found, key };
      say(null);
      this.showAlone();
      stage.mark("frame");
    } catch (error) {
      say(error.message, false);
    }
  }

  showAlone() {
    const { dims, samples, classes } = this;
    const { coordinates: places, kept } = this.found;
    const coordinates = inUnitDisc(places, dims);
    const means = middlesOf(coordinates, dims, samples.labels, this.rows(), classes.names.length);
    this.fitted = { coordinates, means };
    this.said.textContent = kept === null ? "" : `Two dimensions keep ${number(100 * kept)} % of the variance. `;
  }

  /** The samples that are drawn and where, as the reader has turned them. */
  exported(snapshot, basis) {
    const { run, samples, classes, dims, fit, alone } = this;
    const { labels, indices, split } = samples;
    const coordinates = alone ? this.fitted?.coordinates : snapshot.get("coordinates");
    if (!coordinates) return [];
    const [predictions, confidences] = ["predictions", "confidences"].map((name) => snapshot.get(name));
    const along = (row, axis) => {
      let sum = 0;
      for (let k = 0; k < dims; k++) sum += basis[(axis * basis.length) / 3 + k] * coordinates[row * dims + k];
      return significant(sum / INT16_MAX);
    };
    const placed = (row) => ({
      "right (1 is the unit sphere)": along(row, 0),
      "up (1 is the unit sphere)": along(row, 1),
      "towards the viewer (1 is the unit sphere)": along(row, 2),
    });
    const flat = (row) => {
      const [x, y] = [0, 1].map((axis) => significant(coordinates[row * dims + axis] / INT16_MAX));
      const named = (axis) => `${METHODS[fit]} ${axis} (1 is the picture's radius)`;
      return { [named(1)]: x, [named(2)]: y };
    };
    return Array.from(this.rows(), (row) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      sample: row,
      index: indices[row],
      split: split[row] ? "train" : "test",
      class: classes.names[labels[row]],
      predicted: predictions ? classes.names[predictions[row]] : "",
      "confidence (0 to 1)": significant(confidences?.[row]),
      ...(alone ? flat : placed)(row),
    }));
  }
}

function flat(rows) {
  return Float32Array.from(rows.flat(), (value) => value ?? NaN);
}
