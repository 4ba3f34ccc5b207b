// One run's picture of its embedding.

import { classLabels } from "../core/classes.js";
import { controlPicture, shuffled } from "./control.js";
import { h, number } from "../core/dom.js";
import { kindsOf } from "../core/geometry.js";
import { Points, RING } from "../plots/points.js";
import { coloursOf } from "../core/samples.js";

const LABELS_UP_TO = 30; // classes
const UNSURE = "#C9CDD6";
const REST = 150; // milliseconds that the scrubber stands before the control is computed

export class TourColumn {
  scenes = new WeakMap(); // snapshot -> what Points is told of it

  constructor(stage, content, run, panel) {
    Object.assign(this, { stage, run, classes: run.classes });
    const { names, counts, colours, simplex, predicted } = this.classes;
    this.dims = simplex[0].length;
    const host = h("div", { class: "cloud" });
    this.quality = h("p", { class: "summary" });
    this.lack = h("p", { class: "note" });
    content.append(host, this.quality, this.lack);
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
    const byGroup = kindsOf(counts).map((kind) => groups[kind]);
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

  /** Whether the loss contrasts with prototypes; without class-complement nothing trains them. */
  get trainsPrototypes() {
    return this.run.about.switches?.complement ?? true;
  }

  rows() {
    return this.samples[this.stage.state.split];
  }

  select(rows, how) {
    this.stage.linked.select(this.run, rows, how);
  }

  options() {
    const { layers, dims } = this.stage.state;
    this.points.setLayers(layers);
    this.points.setFlat(dims === 2);
    this.forget();
  }

  /** Make the scenes anew: there are other layers, or trails are longer. */
  forget() {
    this.scenes = new WeakMap();
  }

  /** What is asked for and cannot be shown of this run. */
  lacks({ layers, colour }) {
    const [{ space }, { label }] = [this.run.about, this.run.told];
    const elsewhere = `The classifier's weights live in another space than this one, the ${space}.`;
    const unpredicted = this.run.fault("predicted") ?? "No optimum is predicted for this loss.";
    const uncoloured = (what) => `No ${what} were recorded; colours are those of the classes.`;
    return [
      layers.includes("classifier") && space !== "backbone" && elsewhere,
      layers.includes("prototypes") && !this.trainsPrototypes && `${label} trains no prototypes.`,
      layers.includes("predicted") && !this.fixed.predicted && unpredicted,
      colour === "correct" && !this.snapshot.get("predictions") && uncoloured("predictions"),
      colour === "confidence" && !this.snapshot.get("confidences") && uncoloured("confidences"),
    ].filter(Boolean);
  }

  /** Another epoch is shown, at which the samples may look otherwise. */
  show(snapshot) {
    this.snapshot = snapshot;
    this.control = null;
    this.lack.textContent = this.lacks(this.stage.state).join(" ");
    if (!this.samples) return;
    const { colour, layers } = this.stage.state;
    const control = layers.includes("shuffled");
    const labels = control ? this.dealt() : this.samples.labels;
    const predictions = snapshot.get("predictions");
    const colours = coloursOf(colour, { labels, predictions, confidences: snapshot.get("confidences") }, this.colours);
    const isWrong = (label, i) => predictions && !control && predictions[i] !== label;
    const flags = Uint8Array.from(labels, (label, i) => (isWrong(label, i) ? RING : 0));
    this.points.setSamples({ dims: this.dims, rows: this.rows(), colours, flags });
    this.points.setFixed(this.fixed);
    this.points.setSelection(this.stage.linked.selectionIn(this.run));
    this.quality.textContent = this.kept(snapshot.metrics);
    clearTimeout(this.waiting);
    if (control) this.waiting = setTimeout(() => this.fitControl(snapshot), REST);
  }

  /** How much the picture keeps of what it shows. */
  kept({ picture_variance_kept: variance, ...metrics }) {
    const { dims } = this.stage.state;
    const near = metrics[`picture_neighbours_${dims}d`];
    const share = (value) => `${number(100 * (value ?? NaN))} %`;
    return (
      `All ${this.dims} dimensions keep ${share(variance)} of the variance. As fitted, ${dims}D keeps ${share(near)} ` +
      "of each image's five nearest neighbours."
    );
  }

  /**
   * @param {{a: Object, b: Object, fraction: number}} tween snapshots
   * @param {Float64Array} basis (3, all dimensions)
   */
  place({ a, b, fraction }, basis) {
    if (!this.samples || !a) return;
    const epochs = { a: this.scene(a), b: this.scene(b), fraction };
    this.points.setEpochs(this.control ? { a: this.control } : epochs);
    this.points.setBasis(basis);
    this.points.draw();
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
      prototypes: this.trainsPrototypes ? prototypes : null,
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

  /** The control needs the full embeddings: it is computed where the scrubber rests. */
  async fitControl(snapshot) {
    try {
      const embeddings = await this.stage.store.views.embeddings(this.run, snapshot.epoch);
      const isLate = this.snapshot !== snapshot || !this.stage.state.layers.includes("shuffled");
      if (isLate || !this.points.surface.host.isConnected) return;
      this.control = controlPicture(embeddings, this.dealt(), this.samples.fits, this.rows(), this.classes.simplex);
      this.stage.mark("frame");
    } catch (error) {
      this.lack.textContent = error.message;
    }
  }
}

function flat(rows) {
  return Float32Array.from(rows.flat(), (value) => value ?? NaN);
}
