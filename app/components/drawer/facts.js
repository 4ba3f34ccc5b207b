// What a look has found, as elements.

/**
 * @typedef {Object} Facts preview.json: what would be trained on
 * @property {string[]} class_names
 * @property {number[]} train_counts of each class, as test_counts
 * @property {number[]} test_counts
 * @property {string[]} left_out files that cannot be read
 * @property {number[]} sampled classes whose images samples.png shows, a row each, the most frequent first
 * @property {number} channels
 * @property {number} height in pixels, as width
 * @property {number} width
 * @property {boolean} streamed whether images are decoded anew in every epoch
 * @property {number} images_bytes held in memory
 * @property {number} steps_per_epoch
 */

/**
 * @typedef {Object} Cost cost.json: one step, measured; see `Cost` of bcl_core/lab/cost.py
 */

import { duration, factor, listed, memory, plural, whole } from "../stage/core/words.js";
import { h } from "../stage/core/dom.js";
import { ranks } from "./ranks.js";

const GROUPS = { many: "more than 100 images", medium: "20 to 100", few: "fewer than 20" };
const VIEW_ROWS = [["image", ""], ["view 1", ": classifier"], ["view 2", ": contrastive"], ["view 3", ": contrastive"]];

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The group of a class with so many training images; as `shot_groups` of bcl_core/geometry/groups.py. */
export function groupOf(count) {
  return count > 100 ? "many" : count < 20 ? "few" : "medium";
}

/** What there is, in a sentence or two. @param {Facts} facts */
export function overview(facts) {
  const { train_counts: counts, test_counts: test, left_out: out } = facts;
  const [most, least] = [Math.max(...counts), Math.min(...counts)];
  const colour = facts.channels === 1 ? "grey" : "colour";
  const streamed = facts.streamed ? " They are read from their files anew in every epoch." : "";
  return [
    out.length &&
      h(
        "p",
        { class: "warning" },
        `${plural(out.length, "file")} cannot be read and ${out.length === 1 ? "is" : "are"} left out: ${listed(out)}.`,
      ),
    h(
      "p",
      {},
      `${whole(sum(counts))} training and ${whole(sum(test))} test images in ` +
        `${plural(counts.length, "class", "classes")}, ${facts.width}×${facts.height} pixels, ${colour}.${streamed} ` +
        `The largest class has ${whole(most)} training images, the smallest ${whole(least)}: ` +
        `${factor(most / least)} times as many.`,
    ),
  ].filter(Boolean);
}

/** Classes with their counts as bars and images beside them. @param {Facts} facts */
export function classes(facts, picture, colours) {
  const { class_names: names, train_counts: counts, sampled } = facts;
  const most = Math.max(...counts);
  const rows = sampled.map((k) =>
    h(
      "li",
      {},
      h("span", { class: "name", title: names[k] }, names[k]),
      h(
        "span",
        { class: "amount" },
        h("i", { style: `width: ${(100 * counts[k]) / most}%; background: ${colours[groupOf(counts[k])]}` }),
      ),
      h("b", {}, whole(counts[k])),
    ),
  );
  const some = sampled.length < names.length;
  const alt = `Up to eight training images of each of ${plural(sampled.length, "class", "classes")}, a row a class`;
  return [
    h("h3", {}, "Training images of each class"),
    legend(counts, colours),
    some && ranks(names, counts, (count) => colours[groupOf(count)]),
    some &&
      h(
        "p",
        { class: "note" },
        `${sampled.length} of ${whole(names.length)} classes: the most frequent, some in the middle and the rarest.`,
      ),
    h("div", { class: "sheet" }, h("ul", {}, rows), h("img", { src: picture, alt })),
  ].filter(Boolean);
}

function legend(counts, colours) {
  const groups = counts.map(groupOf);
  const items = Object.entries(GROUPS).map(([group, words]) => {
    const size = groups.filter((other) => other === group).length;
    const sign = h("i", { style: `background: ${colours[group]}` });
    return size && h("span", {}, sign, `${group}: ${words} · ${plural(size, "class", "classes")}`);
  });
  return h("p", { class: "legend" }, items.filter(Boolean));
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
  return [h("dl", {}, list), h("p", { class: "note" }, measuredOn(facts, cost, name))];
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
  const isPacing = cost.decode_seconds >= cost.step_seconds;
  const decoding = cost.decode_seconds
    ? ` Decoding a batch takes ${duration(cost.decode_seconds)} beside it${isPacing ? ", and sets the pace" : ""}.`
    : "";
  return `${words.filter(Boolean).join(", ")}. Memory is ${of}.${decoding}`;
}

/** A training image above eight draws of each of its views. */
export function views(picture, image) {
  const alt = `Training image ${image}, and eight draws of each of its views: the classifier's, and two contrastive ones`;
  return h(
    "div",
    { class: "sheet views" },
    h("ul", {}, VIEW_ROWS.map(([name, use]) => h("li", {}, h("span", { class: "name" }, name, h("i", {}, use))))),
    h("img", { src: picture, alt }),
  );
}
