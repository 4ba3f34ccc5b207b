// One run's picture of its embedding.

import { classLabels } from "./classes.js";
import { controlPicture, shuffled } from "./control.js";
import { h, number } from "./dom.js";
import { groupsOf } from "./geometry.js";
import { Points, RING } from "./points.js";
import { coloursOf } from "./samples.js";

const LABELS_UP_TO = 30; // classes
const REST = 150; // milliseconds that the scrubber stands before the control is computed

export class TourColumn {
  pictures = new Map(); // epoch -> what Points is told of it

  constructor(app, content, run, panel) {
    Object.assign(this, { app, run, classes: run.told.classes });
    const { names, counts, colours, simplex, predicted } = this.classes;
    this.dims = simplex[0].length;
    this.groups = groupsOf(counts);
    const host = h("div", { class: "cloud" });
    this.quality = h("p", { class: "summary" });
    this.lack = h("p", { class: "note" });
    content.append(host, this.quality, this.lack);
    this.points = new Points(host, {
      label: `Embedding, ${run.told.label}`,
      onHover: (hit) => app.detail.point(hit?.kind === "sample" ? { column: this, row: hit.index, x: hit.x, y: hit.y } : null),
      onClick: (hit) => (hit?.kind === "class" ? panel.choose(hit.index) : hit ? this.select(Uint32Array.of(hit.index), "replace") : null),
      onSelect: (rows, how) => this.select(rows, how),
      onDrag: (right, up) => panel.drag(right, up),
      onZoom: (zoom) => panel.parts.forEach((part) => part !== this && part.points.setZoom(zoom)),
    });
    const labels = classLabels(names, counts);
    this.points.setClasses({ labels: labels.map((label) => (names.length <= LABELS_UP_TO ? label : null)), colours });
    this.fixed = { simplex: flat(simplex), predicted: predicted && flat(predicted) };
  }

  get samples() {
    return this.run.samples;
  }

  /** Whether the loss contrasts with prototypes; without class-complement nothing trains them. */
  get trainsPrototypes() {
    return this.run.told.switches?.complement ?? true;
  }

  rows() {
    return this.samples[this.app.state.split];
  }

  select(rows, how) {
    this.app.detail.select(this.run, rows, how);
  }

  options() {
    const { layers, dims } = this.app.state;
    this.points.setLayers(layers);
    this.points.setFlat(dims === 2);
    this.pictures.clear();
  }

  /** What is asked for and cannot be shown of this run. */
  lacks({ layers, colour }) {
    const { space, label } = this.run.told;
    return [
      layers.includes("classifier") && space !== "backbone" && `The classifier's weights live in another space than this one, the ${space}.`,
      layers.includes("prototypes") && !this.trainsPrototypes && `${label} trains no prototypes.`,
      layers.includes("predicted") && !this.fixed.predicted && "No optimum is predicted for this loss.",
      colour === "correct" && !this.snapshot?.get("predictions") && "No predictions were recorded; colours are those of the classes.",
      colour === "confidence" && !this.snapshot?.get("confidences") && "No confidences were recorded; colours are those of the classes.",
    ].filter(Boolean);
  }

  /** Another epoch is shown, at which the samples may look otherwise. */
  show(snapshot) {
    if (!this.samples) return;
    this.snapshot = snapshot;
    const { colour, layers, dims } = this.app.state;
    const control = layers.includes("shuffled");
    const labels = control ? this.dealt() : this.samples.labels;
    const predictions = snapshot.get("predictions");
    const { groups, neutral, amount } = this.app.told;
    const colours = {
      classes: this.classes.colours,
      groups: labels && this.classes.names.map((_, k) => groups[["head", "tail"].find((name) => this.groups[name].includes(k)) ?? "medium"]),
      right: neutral,
      wrong: groups.tail,
      sure: amount,
      unsure: "#C9CDD6",
    };
    const of = { labels, predictions, confidences: snapshot.get("confidences") };
    const flags = Uint8Array.from(labels, (label, i) => (predictions && !control && predictions[i] !== label ? RING : 0));
    this.points.setSamples({ dims: this.dims, rows: this.rows(), colours: coloursOf(colour, of, colours), flags });
    this.points.setFixed(this.fixed);
    this.points.setSelection(this.app.detail.selectionIn(this.run));
    const { picture_variance_kept: kept, [`picture_neighbours_${dims}d`]: near } = snapshot.metrics;
    this.quality.textContent = `All ${this.dims} dimensions keep ${number(100 * kept)} % of the variance. As fitted, ${dims}D keeps ${number(100 * near)} % of each image's five nearest neighbours.`;
    this.lack.textContent = this.lacks(this.app.state).join(" ");
    if (control) this.compareWithControl(snapshot);
  }

  /** @param {{a: Object, b: Object, fraction: number}} tween snapshots @param {Float64Array} basis (3, all dimensions) */
  place({ a, b, fraction }, basis) {
    if (!this.samples || !a) return;
    const [from, to] = [this.picture(a), this.picture(b)];
    this.points.setEpochs(this.control ? { a: this.control } : { a: from, b: to, fraction });
    const all = basis.length / 3;
    this.points.setBasis(all === this.dims ? basis : Float64Array.from({ length: 3 * this.dims }, (_, i) => basis[Math.floor(i / this.dims) * all + (i % this.dims)]));
    this.points.draw();
  }

  picture(snapshot) {
    if (!this.pictures.has(snapshot.epoch)) this.pictures.set(snapshot.epoch, this.pictured(snapshot));
    return this.pictures.get(snapshot.epoch);
  }

  pictured(snapshot) {
    const { space } = this.run.told;
    const { layers } = this.app.state;
    const prototypes = snapshot.get("prototype_coordinates");
    const past = this.run.epochs.filter((epoch) => epoch < snapshot.epoch && this.run.snapshots.has(epoch));
    return {
      coordinates: snapshot.get("coordinates"),
      means: snapshot.get("class_mean_coordinates"),
      prototypes: this.trainsPrototypes ? prototypes : null,
      classifier: space === "backbone" ? prototypes : null, // without heads, the weights themselves, at unit length
      trail: layers.includes("trails") ? past.map((epoch) => this.run.snapshots.get(epoch).get("class_mean_coordinates")) : [],
    };
  }

  dealt() {
    const { fits, test } = this.samples;
    return shuffled(this.samples.labels, Uint32Array.from([...fits, ...test]).sort());
  }

  /** The control needs the full embeddings: it is computed where the scrubber rests. */
  compareWithControl(snapshot) {
    this.control = null;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const embeddings = await this.app.store.embeddings(this.run, snapshot.epoch).catch((error) => (this.lack.textContent = error.message));
      if (this.snapshot !== snapshot || !embeddings.data || !this.app.state.layers.includes("shuffled")) return;
      this.control = controlPicture(embeddings, this.dealt(), this.samples.fits, this.rows(), this.classes.simplex);
      this.app.mark("frame");
    }, REST);
  }

  retheme() {
    this.points.retheme();
  }

  destroy() {
    clearTimeout(this.waiting);
    this.points.destroy();
  }
}

function flat(rows) {
  return Float32Array.from(rows.flat(), (value) => value ?? NaN);
}
