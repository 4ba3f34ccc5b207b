import assert from "node:assert/strict";
import test from "node:test";

import { parts } from "../../app/components/stage/core/glossary.js";
import { Run } from "../../app/components/stage/core/run.js";
import { lackOf } from "../../app/components/stage/lenses/angles.js";
import { ALIKE, byClass } from "../../app/components/stage/lenses/curves.js";
import { meansOf } from "../../app/components/stage/lenses/control.js";
import { inUnitDisc, projected } from "../../app/components/stage/lenses/projection.js";
import { hasWeights, pooled, whyNoPush } from "../../app/components/stage/lenses/pushes.js";
import { wrapped } from "../../app/components/stage/plots/figures.js";
import { safetensors } from "./fixtures.js";

function runOf({ names = ["a", "b", "c"], counts = [9, 5, 2], switches = null } = {}, label = "BCL") {
  const groups = { head: [0], medium: names.map((_, k) => k).slice(1, -1), tail: [names.length - 1] };
  const run = new Run({ id: "run-0001", label });
  return Object.assign(run, { rev: "r1", about: { classes: { names, counts, groups }, switches } });
}

const shown = (run, accuracies) => ({ run, snapshot: { get: () => accuracies } });

test("prototypes say nothing of a loss that trains none, and are shown where it is not known", () => {
  const scl = runOf({ switches: { contrastive: true, prototypes: false, averaging: false, complement: false } });
  const bcl = runOf({ switches: { contrastive: true, prototypes: true, averaging: true, complement: true } });
  for (const name of ["prototypes", "prototype_angle"]) {
    assert.equal(scl.measures(name), false);
    assert.equal(bcl.measures(name), true);
    assert.equal(runOf().measures(name), true); // of other code
  }
  assert.ok(scl.measures("class_means") && scl.measures("classifier_angle"));
});

test("what a run has no vectors of is not offered, and of other code its figures tell", () => {
  const scl = runOf({ switches: { contrastive: true, prototypes: false, averaging: false, complement: false } });
  assert.deepEqual(["class_means", "prototypes", "classifier"].map((of) => scl.mayHave(of)), [true, false, true]);
  const other = runOf();
  assert.ok(other.mayHave("prototypes")); // nothing has come yet
  other.table = { column: (name) => (name === "classifier_angle" ? [NaN, 40] : [NaN, NaN]) };
  assert.deepEqual(["class_means", "prototypes", "classifier"].map((of) => other.mayHave(of)), [true, false, true]);
});

test("what is too large to be kept of every epoch is not said to be missing", () => {
  const metrics = { classifier_angle: 41, prototype_angle: null };
  assert.match(lackOf({ metrics }, "classifier"), /too large to be kept of every epoch/);
  assert.match(lackOf({ metrics }, "prototypes"), /has no prototypes/);
  assert.match(lackOf({ metrics: {} }, "classifier"), /has no classifier/);
  assert.match(lackOf({ metrics }, "class_means"), /recorded no class means/);
});

test("a loss that has no weights over pairs says so, and its counts alone say nothing", () => {
  const own = { contrastive: true, prototypes: true, averaging: null, complement: null };
  assert.match(whyNoPush(own), /not defined for this loss: it has no weights over pairs/);
  assert.equal(hasWeights(own), false);
  const bcl = { ...own, averaging: true, complement: true };
  assert.match(whyNoPush(bcl), /recorded no gradients/);
  assert.equal(hasWeights(bcl), true);
  assert.match(whyNoPush({ ...own, contrastive: false }), /Cross-entropy alone/);
  assert.match(whyNoPush(null), /recorded no gradients/); // of other code
});

test("accuracies by class stand from the most to the least frequent class", () => {
  const found = byClass([shown(runOf(), [0.5, 0.25, 1])]);
  assert.deepEqual(found.labels, ["a, n = 9", "b, n = 5", "c, n = 2"]);
  assert.deepEqual(found.runs[0].values, [0.5, 0.25, 1]);
  assert.equal(found.note, "");
});

test("accuracies of runs of different classes are not drawn together", () => {
  const found = byClass([shown(runOf(), [1, 1, 1]), shown(runOf({ counts: [9, 5, 3] }), [1, 1, 1])]);
  assert.equal(found.runs, null);
  assert.equal(found.lack, ALIKE);
});

test("a run without accuracies by class is named, and alone says so", () => {
  const found = byClass([shown(runOf(), [1, 1, 1]), shown(runOf({}, "SCL"), null)]);
  assert.equal(found.runs.length, 1);
  assert.match(found.note, /^SCL: /);
  assert.match(byClass([shown(runOf(), null)]).lack, /not recorded/);
  assert.equal(byClass([]).lack, null);
});

test("of many classes some are drawn, the most and the least frequent among them, and that is said", () => {
  const names = Array.from({ length: 1000 }, (_, k) => `c${k}`);
  const found = byClass([shown(runOf({ names, counts: names.map((_, k) => 1000 - k) }), names.map((_, k) => k))]);
  assert.equal(found.labels.length, 20);
  assert.deepEqual([found.runs[0].values[0], found.runs[0].values.at(-1)], [0, 999]);
  assert.match(found.note, /20 of 1000 classes/);
});

test("terms in a text are found under their own and under other names", () => {
  assert.deepEqual(parts("the [tail], [class means|class mean]."), [
    { text: "the ", term: null },
    { text: "tail", term: "tail" },
    { text: ", ", term: null },
    { text: "class means", term: "class mean" },
    { text: ".", term: null },
  ]);
  assert.deepEqual(parts("none"), [{ text: "none", term: null }]);
});

test("an axis title is parted between words, so that no line is longer than the axis", () => {
  assert.equal(wrapped("Mean angle within the tail (degrees)", 150), "Mean angle within<br>the tail (degrees)");
  assert.equal(wrapped("Test accuracy", 300), "Test accuracy");
});

test("classes one by one keep the groups that were told, and bins have their own", () => {
  const { classes } = runOf();
  const { groups } = classes;
  assert.equal(pooled(classes).groups, groups);
  const bins = pooled({ names: ["a", "b", "c", "d"], counts: [9, 7, 2, 1], groups, bins: [0, 0, 1, 1] });
  assert.deepEqual(bins.counts, [8, 2]);
  assert.deepEqual([bins.groups.head, bins.groups.tail], [[0], [1]]);
});

test("a flat picture fills the unit disc with one scale for both axes", () => {
  const placed = inUnitDisc(Float32Array.of(10, 0, 30, 0, 20, 5), 4);
  const at = (row, axis) => placed[4 * row + axis] / 32767;
  assert.ok(Math.abs(at(1, 0) + at(0, 0)) < 1e-4);
  assert.ok(Math.abs(Math.hypot(at(1, 0), at(1, 1)) - 0.98) < 1e-4);
  assert.ok(Math.abs((at(2, 1) - at(0, 1)) / (at(1, 0) - at(0, 0)) - 5 / 20) < 1e-3);
  assert.deepEqual([placed[2], placed[3]], [0, 0]);
  assert.deepEqual([...inUnitDisc(Float32Array.of(3, 3), 3)], [0, 0, 0]);
});

test("a class without drawn samples has no middle", () => {
  const middles = meansOf(Float32Array.of(1, 0, 0, 0, 1, 0), 3, [0, 0], Uint32Array.of(0, 1), 2);
  assert.deepEqual([...middles.slice(0, 2)], [0.5, 0.5]);
  assert.ok(Number.isNaN(middles[3]));
});

/** A stage whose lab goes through these states of the job. */
function stageOf(states, asked = []) {
  const bytes = (document) => new TextEncoder().encode(JSON.stringify(document)).buffer;
  const file = safetensors({ coordinates: { data: Float32Array.of(1, 2), shape: [1, 2] } }, { variance_kept: "0.5" });
  return {
    told: { may: ["project"] },
    ask: async (verb, args) => (asked.push([verb, args]), { job: "project-1" }),
    store: {
      fetchBytes: async (path) => {
        assert.equal(path, "jobs/project-1");
        return bytes({ progress: "half", error: "there are no embeddings", state: states.shift() });
      },
      fetch: async (path) => (asked.push(path), file),
    },
  };
}

test("a projection is asked for, waited for and fetched at its run's rev", async () => {
  const [asked, said] = [[], []];
  const how = { goesOn: () => true, say: (text) => said.push(text) };
  const found = await projected(stageOf(["running", "done"], asked), runOf(), 4, "pca", how);
  assert.deepEqual([[...found.coordinates], found.kept], [[1, 2], 0.5]);
  assert.deepEqual(asked[0], ["project", { run: "run-0001", epoch: 4, method: "pca" }]);
  assert.equal(asked[1], "runs/run-0001/projection/r1/pca/4");
  assert.deepEqual(said, ["The PCA of epoch 4 is being fitted. half"]);
});

test("who may not have a projection fitted sees what others had fitted", async () => {
  const asked = [];
  const stage = { ...stageOf([], asked), told: { may: [] } };
  const found = await projected(stage, runOf(), 4, "pca", { goesOn: () => true, say: () => {} });
  assert.deepEqual([...found.coordinates], [1, 2]);
  assert.deepEqual(asked, ["runs/run-0001/projection/r1/pca/4"]);
});

test("a projection that waits for others is asked for again, and one that fails says why", async () => {
  const asked = [];
  const how = { goesOn: () => true, say: () => {} };
  await assert.rejects(projected(stageOf(["unknown", "failed"], asked), runOf(), 4, "umap", how), {
    message: "There are no embeddings.",
  });
  assert.equal(asked.length, 2);
});

test("nobody waits for a projection that nobody looks at any more", async () => {
  assert.equal(await projected(stageOf([]), runOf(), 4, "pca", { goesOn: () => false, say: () => {} }), null);
});
