// One batch, as the loss saw it: who is in it, which classes are not, and what every member weighs for one anchor under
// each corner of the square.

import { Formula } from "../../formula/formula.js";
import { LADDER } from "../../sphere/settings.js";
import { Chart } from "../plots/chart.js";
import { TWO_BY_TWO, batchFigure, panelsOf } from "../plots/figures.js";
import { EVERY_PAIR_UP_TO, GROUP_TITLES } from "../core/classes.js";
import { CORNERS, byClass, denominator, toldOf } from "../core/denominator.js";
import { button, choice, h } from "../core/dom.js";
import { matching, oneOf } from "../core/fields.js";
import { NO_PROTOTYPES } from "../core/run.js";
import { kindsOf, orderOf, sum } from "../core/geometry.js";
import { tell } from "../core/glossary.js";
import { escaped } from "../export/words.js";
import { thumb } from "../core/card.js";
import { Lens, significant } from "./lens.js";
import { percent } from "./pushes.js";
import { dot, legendOf, mark, ring } from "./signs.js";

const FORMULA = "formula";
const SHOWN = [["weight", "weight in the denominator"], ["push", "push that results"], [FORMULA, "the formula"]];
const SELF = { name: "self_term", isOn: ({ self_term }) => self_term, turned: (on) => ({ self_term: on }) };
const SYMBOLS = ["circle", "circle-open"]; // of another class, of the anchor's own
const DASH = 14; // pixels of a class's dash, where there is room
const LISTED = 4; // classes that are named one by one
const LEAST = 1e-5; // share, or length, below which nothing is drawn
const NONE =
  "No batch of this epoch was kept. Runs of earlier versions and of other code have none, nor have those whose batches " +
  "are too large: more than 256 images in 128 dimensions.";
const NO_LOSS = "Cross-entropy alone contrasts nothing.";
const WORDS = {
  weight:
    "What one [anchor] is pushed by: each member's share of its denominator. Dots are views of the batch's images, " +
    "diamonds [prototypes|prototype], dashes a class's sum. ",
  push:
    "How hard each member pushes one [anchor]: the length of its part of the gradient along the sphere, with the factor " +
    "1/τ. Dots are views of the batch's images, diamonds [prototypes|prototype], dashes the length of a class's sum. ",
  [FORMULA]:
    "The loss of one [anchor], as its switches make it; what they bring is shaded. It begins with those of the run, and " +
    "the features are the run's whatever they are turned to. ",
};
const COLUMNS =
  "The features are those of this run; the columns say what each loss would make of the same batch. Shaded classes are " +
  "not in it: without prototypes nothing pushes away from them. ";
const BATCH =
  "It is the first batch that the epoch's statistics were taken from, with the views and the weights of that step; " +
  "anchors are first views. ";

export class Batch extends Lens {
  static key = "batch";
  static title = "One batch";
  static proof = "theory#1-the-losses";
  static samples = true;
  static fields = {
    anchor: matching("", /^\d{1,4}-\d{1,4}$/), // its class, and which of its images in the batch
    weighs: oneOf(...SHOWN.map(([quantity]) => quantity)),
  };

  build() {
    const { stage } = this;
    this.offer(choice(stage, "weighs", "", SHOWN));
    this.addColumns((content, run) => new BatchColumn(stage, content, run));
  }

  options() {
    const { stage } = this;
    const { groups, words, glossary } = stage.told;
    const { weighs } = stage.state;
    tell(this.words, `${WORDS[weighs]}${weighs === FORMULA ? `${words.formula.self_term} ` : COLUMNS}${BATCH}`, glossary);
    this.legend.hidden = weighs === FORMULA;
    const [tail, head, medium] = ["tail", "head", "medium"].map((group) => [dot(groups[group]), GROUP_TITLES[group]]);
    const [own, prototype] = [[ring(), "own class"], [mark("M8 2l6 6l-6 6l-6-6z", true), "prototype"]];
    this.legend.replaceChildren(...legendOf([tail, head, medium, own, prototype]));
    this.epoch();
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      const contrasts = run.about.switches?.contrastive ?? false;
      if (contrasts && snapshot.get("batch_features")) part.show(snapshot);
      else column.say(run.about.switches && !contrasts ? NO_LOSS : NONE);
    }
  }
}

class BatchColumn {
  constructor(stage, content, run) {
    Object.assign(this, { stage, run });
    const { names, groups } = run.classes;
    this.order = orderOf(groups);
    this.kinds = kindsOf(groups);
    this.members = h("div", { class: "members", role: "group", "aria-label": "Class of the anchor" });
    this.plot = h("div", { class: "plot" });
    this.summary = h("p", { class: "summary" });
    this.switches = switchesOf(run.about.switches);
    const turn = (changes) => (Object.assign(this.switches, changes), this.drawFormula());
    this.formula = new Formula(stage.told.words, [...LADDER, SELF], turn);
    content.append(this.members, this.plot, this.summary, this.formula.element);
    this.known = CORNERS.filter(({ complement }) => !complement || run.trainsPrototypes);
    this.chart = new Chart(this.plot, batchFigure(run.told, this.known.map(({ title }) => title)), stage.told);
    this.pictures = [this.chart];
    this.axisNames = names.map((name, k) => (names.length > EVERY_PAIR_UP_TO ? `${k}` : escaped(name)));
  }

  show(snapshot) {
    const batch = batchOf(snapshot, this.run.classes.names.length);
    const images = this.order.map((k) => batch.imagesOf(k));
    const [wanted, nth] = (this.stage.state.anchor ?? "-").split("-").map(Number);
    const place = this.order.indexOf(wanted);
    const at = images[place]?.length ? place : images.findIndex(({ length }) => length);
    const image = images[at][nth] ?? images[at][0];
    const looked = { batch, images, own: this.order[at], nth: images[at].indexOf(image), image };
    const isFormula = this.stage.state.weighs === FORMULA;
    this.corners = this.cornersOf(looked);
    this.looked = looked;
    this.drawMembers(looked);
    this.plot.hidden = this.summary.hidden = isFormula;
    this.formula.element.hidden = !isFormula;
    if (isFormula) return this.drawFormula();
    this.drawSummary(looked);
    this.chart.show(() => this.draw(looked));
  }

  /** The loss of the anchor under the switches as they are turned here. */
  drawFormula() {
    const { run, switches, looked: { batch, image, own } } = this;
    const { temperature } = run.about.switches;
    const { names } = run.classes;
    const isKnown = run.trainsPrototypes || !switches.complement;
    const told = isKnown ? toldOf(batch, batch.V * image, { ...switches, temperature }) : null;
    const who = `An image of ${names[own]} in this batch of ${batch.labels.length}:`;
    this.formula.show({ switches, temperature, told, who, names, lack: isKnown ? null : NO_PROTOTYPES });
  }

  /** What each corner that is known makes of the anchor: that of each key, and that of each class. */
  cornersOf({ batch, image }) {
    const { temperature, self_term } = this.run.about.switches;
    return this.known.map(({ averaging, complement }) => {
      const found = denominator(batch, batch.V * image, { averaging, complement, self_term, temperature });
      return { weight: [found.shares, byClass(found.shares, batch)], push: [found.lengths, found.pushes] };
    });
  }

  drawMembers({ batch, images, own, nth, image }) {
    const { stage, run, order } = this;
    const { names } = run.classes;
    const chips = order.map((k, place) => {
      const { length } = images[place];
      const press = () => stage.set({ anchor: `${k}-${k === own ? (nth + 1) % length : 0}` });
      const said = length ? `×${length}` : "absent";
      const title = k === own && length > 1 ? "Another image of it" : null;
      const state = { "aria-pressed": String(k === own), disabled: !length, title };
      return button([h("bdi", {}, names[k]), " ", h("span", { class: "count" }, said)], press, state);
    });
    const seen = order.length > EVERY_PAIR_UP_TO ? chips.filter((_, place) => images[place].length) : chips;
    const row = batch.samples[image];
    const picture = run.samples && row >= 0 ? thumb(stage, run, row, 32) : null;
    this.members.replaceChildren(...[picture, h("span", { class: "note" }, "anchor:"), ...seen].filter(Boolean));
  }

  drawSummary({ batch, images, own }) {
    const { names, groups } = this.run.classes;
    const absent = this.order.filter((_, place) => !images[place].length);
    const of = absent.length ? absent : groups.tail;
    const more = of.length > LISTED ? ` and ${of.length - LISTED} more` : "";
    const who = of.slice(0, LISTED).map((k) => names[k]).join(", ") + more;
    const shareOf = ({ weight: [, sums] }) => percent(sum(of.map((k) => sums[k])));
    const shares = this.known.map(({ title }, i) => `${title} ${shareOf(this.corners[i])}`);
    const first = `${batch.labels.length} images, ${batch.V} views each. Anchor: ${names[own]}. `;
    const absence = absent.length
      ? `Not in this batch: ${who}. Their share of the denominator: `
      : `All classes are in it. The tail's share of the denominator (${who}): `;
    const without = this.run.trainsPrototypes ? "" : `. ${NO_PROTOTYPES}`.slice(0, -1);
    this.summary.textContent = `${first}${absence}${shares.join(", ")}${without}.`;
  }

  draw({ batch, images, own }) {
    const { weighs } = this.stage.state;
    const { groups } = this.stage.told;
    const { order, kinds, axisNames, corners } = this;
    const { clientWidth: width } = this.chart.host;
    const panels = width < TWO_BY_TWO ? 2 : corners.length;
    const values = corners.flatMap((corner) => [...corner[weighs][0], ...corner[weighs][1]]);
    const most = Math.max(...values);
    const least = Math.max(LEAST, Math.min(...values.filter((value) => value > 0)));
    const M = batch.classes.length - batch.K;
    const rowsOf = { member: (k) => k < M, prototype: (k) => k >= M };
    const fill = ({ role, corner }) => {
      const [each, sums] = corners[corner][weighs];
      const rows = role === "total" ? order : Array.from(each.keys()).filter((k) => rowsOf[role](k) && each[k] > 0);
      const classOf = role === "total" ? (k) => k : (k) => batch.classes[k];
      const kept = rows.filter((k) => role !== "total" || sums[k] > 0);
      const color = kept.map((k) => groups[kinds[classOf(k)]]);
      const looks = {
        total: { size: Math.max(2, Math.min(DASH, (0.8 * width) / (panels * order.length))) },
        member: { line: { color }, symbol: kept.map((k) => SYMBOLS[Number(classOf(k) === own)]) },
      };
      return {
        x: kept.map((k) => axisNames[classOf(k)]),
        y: kept.map((k) => (role === "total" ? sums[k] : each[k])),
        marker: { color, ...looks[role] },
      };
    };
    const range = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
    const absent = order.flatMap((_, place) => (images[place].length ? [] : place));
    const title = weighs === "weight" ? "share of the denominator" : "length of the push";
    const ticks = { categoryarray: order.map((k) => axisNames[k]), range: [-0.5, order.length - 0.5] };
    const shown = { panels: corners.length, ticks, range, absent, title, asShare: weighs === "weight" };
    return { fill, layout: panelsOf(width, shown) };
  }

  rows(snapshot) {
    if (!snapshot.get("batch_features") || !this.corners) return [];
    const { names, counts } = this.run.classes;
    const batch = batchOf(snapshot, names.length);
    return this.order.map((k) => ({
      run: this.run.told.label,
      epoch: snapshot.epoch,
      class: names[k],
      "training images": counts[k],
      "images in the batch": batch.imagesOf(k).length,
      ...Object.assign({}, ...this.known.map(({ title }, i) => ({
        [`${title}: share of the denominator`]: significant(this.corners[i].weight[1][k]),
        [`${title}: length of the push (gradient)`]: significant(this.corners[i].push[1][k]),
      }))),
    }));
  }
}

/** The switches that a formula begins with: the run's own, or BCL's where it has no weights over pairs. */
function switchesOf(switches) {
  const { averaging, complement, anchors, self_term } = switches ?? {};
  return { averaging: averaging ?? true, complement: complement ?? true, anchors: anchors ?? "instance", self_term: self_term ?? false };
}

/** The batch of a snapshot: its keys and their classes, as `denominator` takes them, and its images. */
function batchOf(snapshot, K) {
  const { data, shape: [B, V, d] } = snapshot.arrays.batch_features;
  const prototypes = snapshot.get("batch_prototypes");
  const labels = snapshot.get("batch_labels");
  const keys = new Float32Array(data.length + prototypes.length);
  keys.set(data);
  keys.set(prototypes, data.length);
  const classes = Int32Array.from({ length: B * V + K }, (_, k) => (k < B * V ? labels[Math.floor(k / V)] : k - B * V));
  const imagesOf = (k) => Array.from(labels.keys()).filter((b) => labels[b] === k);
  return { keys, classes, K, d, V, labels, samples: snapshot.get("batch_samples"), imagesOf };
}
