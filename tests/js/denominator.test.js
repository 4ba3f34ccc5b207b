import assert from "node:assert/strict";
import test from "node:test";

import { CORNERS, byClass, denominator } from "../../app/components/stage/core/denominator.js";
import { jsonOf } from "./fixtures.js";

const cases = jsonOf("denominators.json");

/** Means over each class's anchors of what `denominator` finds for each, (K, K). */
function meansOf({ features, prototypes, labels, V, K, d, loss }) {
  const members = labels.flatMap((label) => Array(V).fill(label));
  const classes = Int32Array.from([...members, ...Array(K).keys()]);
  const batch = { keys: Float64Array.from([...features, ...prototypes]), classes, K, d };
  const [mass, norm] = [new Float64Array(K * K), new Float64Array(K * K)];
  members.forEach((label, anchor) => {
    const found = denominator(batch, anchor, loss);
    const count = members.filter((other) => other === label).length;
    byClass(found.shares, batch).forEach((share, q) => (mass[label * K + q] += share / count));
    found.pushes.forEach((push, q) => (norm[label * K + q] += push / count));
  });
  return { mass, norm };
}

test("what an anchor's denominator holds and how hard it pushes is bcl_core's, in every corner", () => {
  for (const given of cases) {
    const found = meansOf(given);
    for (const name of ["mass", "norm"]) {
      given[name].forEach((expected, i) => {
        const far = Math.abs(found[name][i] - expected);
        assert.ok(!(far > 1e-9), `${name} ${i} of ${JSON.stringify(given.loss)}: ${found[name][i]}, not ${expected}`);
      });
    }
  }
  assert.ok(cases.length >= CORNERS.length);
});

test("without prototypes nothing pushes away from a class that is absent, and with them its prototype does", () => {
  for (const given of cases.filter(({ loss }) => !loss.self_term)) {
    const absent = [...Array(given.K).keys()].filter((k) => !given.labels.includes(k));
    assert.ok(absent.length);
    const { mass } = meansOf(given);
    for (const k of absent) assert.equal(mass[given.labels[0] * given.K + k] > 0, given.loss.complement);
  }
});
