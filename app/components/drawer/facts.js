// What a look has found, as elements.

import { duration, factor, listed, memory, plural, whole } from "../stage/core/words.js";
import { h } from "../stage/core/dom.js";
import { ranks } from "./ranks.js";

/**
 * @typedef {Object} Facts preview.json: what would be trained on; see `_facts` of bcl_core/lab/preview.py
 * @typedef {Object} Cost cost.json: one step, measured; see `Cost` of bcl_core/lab/cost.py
 */

const VIEW_ROWS = [["image", ""], ["view 1", ": classifier"], ["view 2", ": contrastive"], ["view 3", ": contrastive"]];

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const note = (words) => h("p", { class: "note" }, words);

/** The group of a class with so many training images. @param {{many: number, few: number}} bounds as Python tells them */
export function groupOf(count, { many, few }) {
  return count > many ? "many" : count < few ? "few" : "medium";
}

/** What there is, in a sentence or two. @param {Facts} facts @param {Object} asked the recipe's data */
export function overview(facts, { imbalance_kind: kind, imbalance_factor: asked }) {
  const { train_counts: counts, test_counts: test, left_out: out } = facts;
  const [most, least] = [Math.max(...counts), Math.min(...counts)];
  const words = [
    `${whole(sum(counts))} training and ${whole(sum(test))} test images in ${plural(counts.length, "class", "classes")}`,
    `, ${facts.width}×${facts.height} pixels, ${facts.channels === 1 ? "grey" : "colour"}.`,
    facts.streamed ? " They are read from their files anew in every epoch." : "",
    ` The largest class has ${whole(most)} training images, the smallest ${whole(least)}: `,
    `${factor(most / least)} times as many`,
    kind === "natural" || factor(most / least) === factor(asked) ? "." : `, where ${factor(asked)} was asked for.`,
  ];
  const are = out.length === 1 ? "is" : "are";
  const lost = `${plural(out.length, "file")} cannot be read and ${are} left out: ${listed(out)}.`;
  return [...(out.length ? [h("p", { class: "warning" }, lost)] : []), h("p", {}, words.join(""))];
}

/**
 * Classes with their counts as bars and images beside them.
 *
 * @param {Facts} facts @param {{shots: Object, bounds: Object}} told see `drawer` in __init__.py
 */
export function classes({ class_names: names, train_counts: counts, sampled }, picture, { shots, bounds }) {
  const groups = counts.map((count) => groupOf(count, bounds));
  const colourOf = (k) => shots[groups[k]].colour;
  const some = sampled.length < names.length;
  const rest = `${sampled.length} of ${whole(names.length)} classes: the most frequent, some in the middle and the rarest.`;
  const alt = `Up to eight training images of each of ${plural(sampled.length, "class", "classes")}, a row a class`;
  const rows = sampled.map((k) => {
    const style = `width: ${(100 * counts[k]) / Math.max(...counts)}%; background: ${colourOf(k)}`;
    const bar = h("span", { class: "amount" }, h("i", { style }));
    return h("li", {}, h("span", { class: "name", title: names[k] }, names[k]), bar, h("b", {}, whole(counts[k])));
  });
  return [
    h("h3", {}, "Training images of each class"),
    legend(groups, shots),
    ...(some ? [ranks(names, counts, colourOf), note(rest)] : []),
    h("div", { class: "sheet" }, h("ul", {}, rows), h("img", { src: picture, alt })),
  ];
}

function legend(groups, shots) {
  const items = Object.entries(shots).map(([name, { colour, words }]) => {
    const size = groups.filter((group) => group === name).length;
    const sign = h("i", { style: `background: ${colour}` });
    return size ? h("span", {}, sign, `${name}: ${words} · ${plural(size, "class", "classes")}`) : null;
  });
  return h("p", { class: "legend" }, items);
}

/** What a run would take. @param {Facts} facts @param {Cost} cost */
export function costs(facts, cost, { name, epochs }) {
  const items = [
    ["One training step", duration(cost.step_seconds)],
    [`One run of ${plural(epochs, "epoch")}`, `about ${duration(cost.total_seconds)}`],
    ["Memory at the most", memory(cost.memory_bytes)],
    ["Images held in memory", facts.streamed ? "none" : memory(facts.images_bytes)],
  ];
  const list = items.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)));
  return [h("dl", {}, list), note(measuredOn(facts, cost, name))];
}

function measuredOn(facts, cost, name) {
  const onCpu = cost.device === "CPU";
  const words = [
    `Measured here with ${name}: one step of ${plural(cost.images, "image")} on ${onCpu ? "the CPU" : cost.device}`,
    onCpu && plural(cost.threads, "thread"),
    cost.precision,
    cost.images < cost.batch_size &&
      `scaled up to a batch of ${cost.batch_size}, which is too much to try on this machine`,
    `times ${plural(facts.steps_per_epoch, "step")} an epoch, without the measurement after each epoch`,
  ];
  const of = onCpu ? "the whole process, its libraries included" : "the GPU's";
  const pace = cost.decode_seconds >= cost.step_seconds ? ", and sets the pace" : "";
  const decoding = ` Decoding a batch takes ${duration(cost.decode_seconds)} beside it${pace}.`;
  return `${words.filter(Boolean).join(", ")}. Memory is ${of}.${cost.decode_seconds ? decoding : ""}`;
}

/** A training image above eight draws of each of its views. */
export function views(picture, image) {
  const alt = `Training image ${image}, and eight draws of each of its views: the classifier's, and two contrastive ones`;
  const rows = VIEW_ROWS.map(([name, use]) => h("li", {}, h("span", { class: "name" }, name, h("i", {}, use))));
  return h("div", { class: "sheet views" }, h("ul", {}, rows), h("img", { src: picture, alt }));
}
