// One run's picture of its embedding.

import { controlPicture, meansOf, shuffled } from "./control.js";
import { h, number } from "../core/dom.js";
import { kindsOf } from "../core/geometry.js";
import { significant } from "./lens.js";
import { METHODS, inUnitDisc, projected } from "./projection.js";
import { NO_PROTOTYPES } from "../core/run.js";
import { identity } from "./tour.js";
import { Points } from "../plots/points.js";
import { INT16_MAX, RING } from "../plots/view.js";
import { hexToRgb, mix } from "../core/colour.js";

const LABELS_UP_TO = 30; // classes
const UNSURE = "#C9CDD6";
const REST = 150; // milliseconds that the scrubber stands before what takes its time is computed
const NOTHING = {}; // a scene without samples

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
    this.rgb = {
      classes: colours.map(hexToRgb),
      groups: kindsOf(this.classes.groups).map((kind) => hexToRgb(groups[kind])),
      verdicts: [neutral, groups.tail, UNSURE, amount].map(hexToRgb), // right and wrong, unsure and sure
    };
    this.points.setClasses({ labels: names.map((name) => (names.length <= LABELS_UP_TO ? name : null)), colours });
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

  /** Rows of the samples that are drawn. */
  get shown() {
    return this.samples[this.stage.state.split];
  }

  select(rows, how) {
    this.stage.linked.select(this.run, rows, how);
  }

  options() {
    const { layers, dims } = this.stage.state;
    this.points.setLayers(this.alone ? layers.filter((layer) => layer === "means") : layers);
    this.points.setFlat(dims === 2 || this.alone);
    this.scenes = new WeakMap();
  }

  lacks({ layers: wanted, colour }) {
    const { space } = this.run.about;
    const layers = this.alone ? [] : wanted;
    const elsewhere = `The classifier's weights live in another space than this one, the ${space}.`;
    const uncoloured = (what) => `No ${what} were recorded; colours are those of the classes.`;
    return [
      layers.includes("classifier") && space !== "backbone" && elsewhere,
      layers.includes("prototypes") && !this.run.trainsPrototypes && NO_PROTOTYPES,
      layers.includes("predicted") && !this.fixed.predicted && this.run.unpredicted,
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
    const colours = this.coloursOf(colour, labels, predictions, snapshot.get("confidences"));
    const isWrong = (label, i) => predictions && !control && predictions[i] !== label;
    const flags = Uint8Array.from(labels, (label, i) => (isWrong(label, i) ? RING : 0));
    this.points.setSamples({ dims: this.dims, rows: this.shown, colours, flags });
    this.points.setFixed(this.fixed);
    this.points.setSelection(this.stage.linked.selectionIn(this.run));
    this.said.textContent = this.alone ? "" : `${this.kept(snapshot.metrics)} `;
    clearTimeout(this.waiting);
    this.key = [this.run.age, snapshot.epoch, this.fit].join("/"); // what a picture of this epoch alone is known by
    if (this.alone && this.found?.key === this.key) this.showAlone();
    else if (this.alone) this.waiting = setTimeout(() => this.fitAlone(snapshot), REST);
    else if (control) this.waiting = setTimeout(() => this.fitControl(snapshot), REST);
  }

  /** A colour a sample, (N, 3); that of its class where the run did not record what colours are to say. */
  coloursOf(mode, labels, predictions, confidences) {
    const { classes, groups, verdicts: [right, wrong, unsure, sure] } = this.rgb;
    const modes = {
      group: (i) => groups[labels[i]],
      correct: predictions && ((i) => (predictions[i] === labels[i] ? right : wrong)),
      confidence: confidences && ((i) => mix(unsure, sure, confidences[i])),
    };
    const colourOf = modes[mode] ?? ((i) => classes[labels[i]]);
    const result = new Uint8Array(3 * labels.length);
    for (let i = 0; i < labels.length; i++) result.set(colourOf(i), 3 * i);
    return result;
  }

  kept({ picture_variance_kept: variance, ...metrics }) {
    const { dims } = this.stage.state;
    const near = metrics[`picture_neighbours_${dims}d`];
    const [kept, found] = [variance, near].map((value) => `${number(100 * (value ?? NaN))} %`);
    return `${this.dims} dimensions keep ${kept} of the variance, ${dims}D ${found} of the near neighbours.`;
  }

  /**
   * Drawn with the next frame: names on a canvas would have the browser lay out at once what this one has changed.
   *
   * @param {{a, b, fraction: number}} tween snapshots @param {Float64Array} basis (3, all dimensions)
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
    const { run } = this;
    const past = this.stage.state.layers.includes("trails") ? run.trail(snapshot.epoch) : [];
    const prototypes = snapshot.get("prototype_coordinates");
    return {
      coordinates: snapshot.get("coordinates"),
      means: snapshot.get("class_mean_coordinates"),
      prototypes: run.trainsPrototypes ? prototypes : null,
      classifier: run.about.space === "backbone" ? prototypes : null, // without heads, the weights at unit length
      trail: past.flatMap((epoch) => run.snapshots.get(epoch)?.get("class_mean_coordinates") ?? []), // as far as here
    };
  }

  /** Labels dealt out anew among the samples that are fitted or shown. */
  dealt() {
    const rows = Uint32Array.from([...this.samples.fits, ...this.shown]).sort();
    return shuffled(this.samples.labels, rows);
  }

  /** Whether what was asked for at this epoch, to be shown so, is still wanted. */
  wants(snapshot, fit) {
    return this.snapshot === snapshot && this.fit === fit && this.panel.open && this.points.host.isConnected;
  }

  /** The control needs the full embeddings: it is computed where the scrubber rests. */
  async fitControl(snapshot) {
    try {
      const embeddings = await this.stage.store.views.embeddings(this.run, snapshot.epoch);
      if (!this.wants(snapshot, "aligned") || !this.stage.state.layers.includes("shuffled")) return;
      this.fitted = controlPicture(embeddings, this.dealt(), this.samples.fits, this.shown, this.classes.simplex);
      this.stage.mark("frame");
    } catch (error) {
      this.lack.textContent = error.message;
    }
  }

  /** A picture of this epoch alone is fitted by the lab, where the scrubber rests. */
  async fitAlone(snapshot) {
    const { stage, run, fit, key } = this;
    const { epoch } = snapshot;
    const asking = (this.asking = {});
    const goesOn = () => this.asking === asking && this.wants(snapshot, fit);
    const column = this.panel.columns.find(({ part }) => part === this);
    const say = (text, waiting = true) => goesOn() && column.say(text, waiting);
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
    const placed = new Float32Array(coordinates).map((step) => step / INT16_MAX);
    const means = meansOf(placed, dims, samples.labels, this.shown, classes.names.length);
    this.fitted = { coordinates, means };
    this.said.textContent = kept === null ? "" : `Two dimensions keep ${number(100 * kept)} % of the variance. `;
  }

  /** The samples that are drawn and where, as the reader has turned them. */
  rows(snapshot) {
    const { run, samples, classes, dims, fit, alone } = this;
    const coordinates = alone ? this.fitted?.coordinates : snapshot.get("coordinates");
    if (!coordinates || !samples) return [];
    const { labels, indices, split } = samples;
    const [predictions, confidences] = ["predictions", "confidences"].map((name) => snapshot.get(name));
    const axes = alone
      ? [1, 2].map((axis) => `${METHODS[fit]} ${axis} (1 is the picture's radius)`)
      : ["right", "up", "towards the viewer"].map((way) => `${way} (1 is the unit sphere)`);
    const turned = alone ? identity(dims) : this.panel.basis;
    const along = (row, axis) => {
      let sum = 0;
      for (let k = 0; k < dims; k++) sum += turned[(axis * turned.length) / 3 + k] * coordinates[row * dims + k];
      return significant(sum / INT16_MAX);
    };
    return Array.from(this.shown, (row) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      sample: row,
      index: indices[row],
      split: split[row] ? "train" : "test",
      class: classes.names[labels[row]],
      predicted: predictions ? classes.names[predictions[row]] : "",
      "confidence (0 to 1)": significant(confidences?.[row]),
      ...Object.fromEntries(axes.map((name, axis) => [name, along(row, axis)])),
    }));
  }
}

function flat(rows) {
  return Float32Array.from(rows.flat(), (value) => value ?? NaN);
}
