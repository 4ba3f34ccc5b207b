import assert from "node:assert/strict";
import test from "node:test";

import { isHeap } from "../../app/components/sphere/ball.js";
import { Batches, keyed, shuffled } from "../../app/components/sphere/batches.js";
import { Course } from "../../app/components/sphere/course.js";
import { Loss, alongSphere } from "../../app/components/sphere/loss.js";
import { OPENING, PREDICTED } from "../../app/components/sphere/predicted.js";
import { LADDER, READ, SCL, notesOn, questionOf, variantOf } from "../../app/components/sphere/settings.js";
import { OPENS, read, write } from "../../app/components/sphere/address.js";
import { outcomeInWords } from "../../app/components/sphere/outcome.js";
import { Simulation } from "../../app/components/sphere/simulation.js";
import { jsonOf } from "./fixtures.js";

const { cases, orders, counts, size, rare } = jsonOf("sphere.json");
const CORNERS = [false, true].flatMap((averaging) =>
  [false, true].flatMap((complement) => ["instance", "class"].map((anchors) => ({ averaging, complement, anchors }))),
);
const SETTLED = 900; // steps
const WORDS = jsonOf("words.json"); // by language
const ENGLISH = WORDS.en;
const WRONG = {
  counts: ["0 3", "7", "", "a b", "1.5 2", "-3 2", "1 2 3 4 5 6 7 8 9", "9999999999 2", "300 300"],
  temperature: ["0", "", "x", "0.001", "6", "NaN"],
  batch: ["1", "2.5", "1e9"],
  seed: ["-1", "½"],
};

function close(found, expected, what) {
  assert.equal(found.length, expected.length, what);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(found[i] - value) <= 1e-9 * Math.max(1, Math.abs(value)), `${what} ${i}: ${found[i]}, not ${value}`);
  });
}

function arraysOf({ points, prototypes, classes, batch }) {
  const sphere = { points: Float64Array.from(points), prototypes: Float64Array.from(prototypes), classes: Uint8Array.from(classes) };
  return [sphere, Int32Array.from(batch)];
}

function settled(switches, { counts: of = counts, temperature = 0.3, batch = size, seed = 0, steps = SETTLED } = {}) {
  const simulation = new Simulation(of, { ...switches, temperature }, { seed, size: batch });
  for (let t = 0; t < steps; t++) simulation.step();
  return simulation;
}

test("the loss and its gradients are contrastive_loss's of two identical views, in every corner", () => {
  const loss = new Loss(4);
  for (const given of cases) {
    const [sphere, batch] = arraysOf(given);
    const what = JSON.stringify(given.switches);
    close([loss.evaluate(sphere, batch, given.switches)], [given.value], `${what} value`);
    close(loss.gradient.slice(0, given.gradient.length), given.gradient, `${what} gradient`);
    close(loss.prototypeGradient, given.prototype_gradient, `${what} prototypes' gradient`);
  }
  assert.equal(cases.length, 3 * CORNERS.length);
});

test("pull and pushes of a point add up to its way down the gradient along the sphere", () => {
  const loss = new Loss(4);
  for (const given of cases) {
    const [sphere, batch] = arraysOf(given);
    loss.evaluate(sphere, batch, given.switches);
    for (const [row, image] of batch.entries()) {
      const { pull, pushes } = loss.forces(row);
      const way = loss.gradient.slice(3 * row, 3 * row + 3);
      alongSphere(way, 0, sphere.points, 3 * image);
      const sum = [0, 1, 2].map((axis) => -[pull, ...pushes].reduce((total, force) => total + force[axis], 0));
      close(sum, [...way], JSON.stringify(given.switches));
    }
  }
});

test("a key stands for one order, whoever draws it and when", () => {
  for (const [key, order] of Object.entries(orders)) assert.deepEqual([...shuffled(order.length, keyed(key))], order);
  const [n, seed] = [172, 7];
  const [ahead, again] = [new Batches(seed, n, size), new Batches(seed, n, size)];
  const third = [...ahead.at(3)];
  assert.deepEqual(third, orders["7/order/1"].slice(size, 2 * size));
  for (let t = 0; t < 3; t++) again.at(t);
  assert.deepEqual([...again.at(3)], third);
});

test("an epoch meets no image twice and drops what is left, and too large a batch holds everything", () => {
  const batches = new Batches(0, 172, size);
  const epoch = [...batches.at(4), ...batches.at(5)];
  assert.equal(new Set(epoch).size, 2 * size);
  assert.deepEqual([...new Batches(0, 5, 64).at(9)].sort(), [0, 1, 2, 3, 4]);
  const held = [...batches.with(100, keyed("one"))];
  assert.equal(held[0], 100);
  assert.equal(new Set(held).size, size);
  assert.ok(held.every((i) => i >= 0 && i < 172));
});

test("batches hold the rarest class as often as chance has it", () => {
  const [batches, draws, met] = [new Batches(3, 172, size), 4000, [0, 0, 0]];
  for (let t = 0; t < draws; t++) met[batches.at(t).filter((i) => i >= 170).length]++;
  rare.forEach((share, m) => {
    const far = Math.abs(met[m] / draws - share);
    assert.ok(far < 4 * Math.sqrt((share * (1 - share)) / draws), `${m} images: ${met[m] / draws}, not ${share}`);
  });
});

test("at 130/32/8/2, τ 0.3, B 64 the rarest pair settles at 80, 80, 86 and 108°, and BCL's prototypes at 71°", () => {
  const expected = [
    [SCL, 80],
    [{ ...SCL, averaging: true }, 80],
    [{ averaging: true, complement: true, anchors: "instance" }, 86],
    [{ averaging: true, complement: true, anchors: "class" }, 108],
  ];
  for (const [switches, degrees] of expected) {
    for (const seed of [0, 1]) {
      const { angles, prototypeAngles } = settled(switches, { seed });
      assert.ok(Math.abs(angles[4 * 2 + 3] - degrees) < 3, `${variantOf(switches)}, seed ${seed}: ${angles[4 * 2 + 3]}`);
      if (degrees === 86) assert.ok(Math.abs(prototypeAngles[4 * 2 + 3] - 71) < 3);
    }
  }
});

test("in every corner all angles settle about where the prediction of the opening settings has them", () => {
  assert.deepEqual(OPENING, { counts, temperature: 0.3, batch: size });
  for (const switches of CORNERS) {
    const simulation = settled(switches);
    const means = new Float64Array(16);
    for (let t = 0; t < SETTLED; t++) {
      simulation.step();
      simulation.angles.forEach((angle, i) => (means[i] += angle / SETTLED));
    }
    PREDICTED[questionOf({ ...OPENING, variant: variantOf(switches) })].forEach((degrees, i) => {
      assert.ok(Math.abs(means[i] - degrees) < 3, `${variantOf(switches)} ${i}: ${means[i]}, not ${degrees}`);
    });
  }
});

test("six equal classes settle as an octahedron, whose mean angle exceeds the simplex's", () => {
  const { angles } = settled(SCL, { counts: Array(6).fill(12), steps: 2 * SETTLED });
  const pairs = [...angles].filter((_, i) => i % 6 > Math.floor(i / 6));
  assert.equal(pairs.filter((angle) => Math.abs(angle - 90) < 2).length, 12);
  assert.equal(pairs.filter((angle) => angle > 177).length, 3);
});

test("what is dragged away and let go comes back, a point and a class", () => {
  for (const images of [[171], Array.from({ length: 32 }, (_, i) => 130 + i)]) {
    const simulation = settled({ averaging: true, complement: true, anchors: "class" });
    const before = simulation.angles.slice();
    simulation.held = new Set(images);
    simulation.drag(images, [0, 0.6, 0.8]);
    for (let t = 0; t < 10; t++) simulation.step();
    const at = 3 * images[0];
    close([...simulation.points.subarray(at, at + 3)], [0, 0.6, 0.8], "held");
    assert.ok(simulation.angles.some((angle, i) => Math.abs(angle - before[i]) > 5));
    simulation.held.clear();
    for (let t = 0; t < SETTLED; t++) simulation.step();
    simulation.angles.forEach((angle, i) => assert.ok(Math.abs(angle - before[i]) < 3, `${angle}, not ${before[i]}`));
  }
});

test("no setting that is taken brings a number that is none", () => {
  for (const given of [[1, 1], [1, 1, 1, 1], [5, 1], [396, 2, 1, 1], [3, 2, 1, 1, 1, 1, 1, 1]]) {
    for (const [temperature, batch] of [[0.02, 2], [0.02, 1000], [5, 2], [5, 1000], [0.3, 3]]) {
      for (const switches of CORNERS) {
        const simulation = settled(switches, { counts: given, temperature, batch, steps: given[0] > 9 ? 2 : 40 });
        simulation.drag([0], [...simulation.points.subarray(0, 3)].map((x) => -x)); // to the very opposite
        simulation.step();
        const { pull, pushes } = simulation.forces(0);
        const numbers = [simulation.points, simulation.prototypes, simulation.angles, pull, ...pushes, [simulation.loss.value]];
        for (const array of numbers) assert.ok(array.every(Number.isFinite), `${given} ${variantOf(switches)} τ ${temperature}`);
      }
    }
  }
});

test("bad input is refused in a sentence, and what is odd is explained", () => {
  for (const [field, texts] of Object.entries(WRONG)) {
    for (const text of texts) assert.throws(() => READ[field](text, ENGLISH), /^Error: .{15,}\.$/, `${field} “${text}”`);
  }
  assert.deepEqual(READ.counts("130, 32/8;2", ENGLISH), [130, 32, 8, 2]);
  assert.equal(READ.temperature(" 0.3 ", ENGLISH), 0.3);
  const notes = (settings) => notesOn({ counts, temperature: 0.3, batch: 64, ...settings }, [SCL], ENGLISH).join(" ");
  assert.match(notes({ counts: [60, 20, 8, 4, 2] }), /no room.*no prediction/);
  assert.match(notes({ counts: [9, 9, 9, 9, 9] }), /Where do equal counts end/);
  assert.match(notes({ counts: [9, 1] }), /B: one image.*only pushed/);
  assert.match(notes({ batch: 200 }), /every batch holds all 172/);
  assert.match(notes({ temperature: 0.05 }), /stall/);
  assert.equal(notes({ batch: 43 }), "");
  assert.match(notesOn({ counts, temperature: 0.3, batch: 43 }, [SCL], ENGLISH, false).join(), /^No prediction is drawn.*130\/32\/8\/2/);
});

test("the ladder of switches leads from SCL to BCL with class anchors, through losses that the app knows", () => {
  const passed = LADDER.reduce((all, { turned }) => [...all, { ...all.at(-1), ...turned(true) }], [SCL]).map(variantOf);
  assert.deepEqual(passed, ["scl", "class-averaging", "bcl", "bcl-class"]);
  assert.equal(new Set(CORNERS.map(variantOf)).size, 8);
});

test("of a long course few moments are kept, evenly spread", () => {
  const course = new Course();
  for (let time = 0; time <= 10000; time++) course.add(time, [time]);
  assert.ok(course.moments.length <= 600 && course.moments.length > 250);
  assert.ok(course.moments.every(({ time }) => time % course.every === 0));
});

test("an address holds the lab's settings, and says what of it cannot be read", () => {
  const shown = { counts: [9, 3], temperature: 0.5, batch: 8, seed: 4, losses: ["bcl"] };
  assert.equal(write(shown), "counts=9.3&temperature=0.5&batch=8&seed=4&losses=bcl");
  assert.deepEqual(read(write(shown), ENGLISH), { shown, wrong: [] });
  assert.deepEqual([write(OPENS), write(OPENS, "zh"), read("", ENGLISH).shown], ["", "lang=zh", OPENS]);
  const { shown: rest, wrong } = read("counts=9.0&losses=scl.constructor&batch=8", ENGLISH);
  assert.deepEqual([rest, wrong.length], [{ ...OPENS, batch: 8 }, 2]);
});

test("classes are named once two of them stand apart: not in the heap that they begin in", () => {
  assert.ok(isHeap(settled(SCL, { steps: 0 })));
  assert.ok(!isHeap(settled(SCL)));
});

/** Two sides that stand still: angles of K classes, all alike but for one pair. */
function sidesOf(K, { isUneven, predicted, time = 900 }) {
  const angles = Array.from({ length: K * K }, (_, i) => (i === K ? 180 : 90));
  const side = (name, angle) => ({ name, isUneven, simulation: { K, angles, time }, read: () => ({ angle, predicted }) });
  return [side("SCL", 80.2), side("BCL", 86)];
}

test("the outcome is one sentence, in one batch and in many, for pairs and where there is no room", () => {
  const said = (K, given, size) => outcomeInWords(sidesOf(K, given), size, ENGLISH);
  assert.equal(
    said(4, { isUneven: true, predicted: 81 }, 64),
    "After 900 steps the two rarest classes stand apart by 80° under SCL and 86° under BCL; predicted for batches of 64: 81.0° and 81.0°.",
  );
  assert.equal(
    said(4, { isUneven: false, predicted: null, time: 1 }, null),
    "After 1 step the two closest classes stand apart by 80° under SCL and 86° under BCL.",
  );
  assert.match(
    said(6, { isUneven: false, predicted: null }, null),
    /^SCL: 15 pairs at 90°, 90.0° on average\. BCL: .* In a regular simplex all are 101.5°: a mean angle alone proves nothing\.$/,
  );
});

function refusal(act) {
  try {
    act();
  } catch ({ message }) {
    return message;
  }
  return assert.fail("taken");
}

test("every sentence of the sphere is whole in every language", () => {
  for (const [lang, words] of Object.entries(WORDS)) {
    const said = [true, false].flatMap((isUneven) =>
      [null, 81].flatMap((predicted) => [4, 6].map((K) => outcomeInWords(sidesOf(K, { isUneven, predicted }), 64, words))),
    );
    for (const of of [[60, 20, 8, 4, 1], [9, 9, 9, 9, 9], [9, 1]]) {
      for (const batch of [8, 1000]) said.push(...notesOn({ counts: of, temperature: 0.05, batch }, [SCL], words, false));
    }
    for (const [field, texts] of Object.entries(WRONG)) {
      for (const text of texts) said.push(refusal(() => READ[field](text, words)));
    }
    said.push(...read("losses=none", words).wrong);
    for (const sentence of said) {
      assert.doesNotMatch(sentence, /[{}]|undefined|NaN|null|object/, `${lang}: ${sentence}`);
      assert.match(sentence, lang === "zh" ? /[。？]$/ : /[.?]$/, `${lang}: ${sentence}`);
    }
  }
});
