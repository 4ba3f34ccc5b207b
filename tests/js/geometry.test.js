import assert from "node:assert/strict";
import test from "node:test";

import * as geometry from "../../app/components/stage/core/geometry.js";
import { jsonOf } from "./fixtures.js";

const SINGLE = 1e-5; // degrees: angles are single precision, and half a unit in the last place of 180 is 8e-6

const cases = jsonOf("geometry.json").map((given) => ({
  ...given,
  means: Float32Array.from(given.means, Number),
  target: Float32Array.from(given.target),
  mass: Float32Array.from(given.mass, Number),
  angles: given.angles.map(Number),
}));

function close(actual, expected, tolerance, message) {
  const known = actual !== null && expected !== null;
  const agree = known ? Math.abs(actual - expected) <= tolerance : actual === expected;
  assert.ok(agree || Object.is(actual, expected), `${message}: ${actual}, not ${expected}`);
}

function anglesOf({ means, K, d }) {
  return geometry.pairAngles(means, K, d);
}

test("angles between class means are bcl_core's, with NaN in the same places", () => {
  for (const given of cases) {
    const angles = anglesOf(given);
    assert.equal(angles.length, given.K ** 2);
    given.angles.forEach((angle, i) => close(angles[i], angle, SINGLE, `K = ${given.K}, pair ${i}`));
  }
});

test("the simplex angle is bcl_core's", () => {
  for (const { K, simplex } of cases) close(geometry.simplexAngle(K), simplex, 1e-12, `K = ${K}`);
});

test("head and tail are bcl_core's for every number of classes, ties and halves included", () => {
  for (const { counts, head, tail } of jsonOf("groups.json")) {
    const groups = geometry.groupsOf(Int32Array.from(counts));
    assert.deepEqual([groups.head, groups.tail], [head, tail], `K = ${counts.length}`);
    const order = geometry.orderOf(groups);
    assert.ok(order.every((k, i) => i === 0 || counts[order[i - 1]] >= counts[k]));
    const kinds = geometry.kindsOf(groups);
    assert.equal(kinds.length, counts.length);
    kinds.forEach((kind, k) => assert.ok(groups[kind].includes(k)));
  }
});

test("means within head and tail are bcl_core's, and null where there is no pair", () => {
  for (const given of cases) {
    const { head, tail } = geometry.groupsOf(given.counts);
    const meanOf = (group) => geometry.meanWithin(group, anglesOf(given), given.K);
    close(meanOf(head), given.metrics.angle_head_head, SINGLE, `head–head, K = ${given.K}`);
    close(meanOf(tail), given.metrics.angle_tail_tail, SINGLE, `tail–tail, K = ${given.K}`);
  }
  assert.ok(cases.some(({ metrics }) => metrics.angle_tail_tail === null));
});

test("RMS deviation is bcl_core's, from the simplex and from other angles", () => {
  for (const given of cases) {
    const { K, d, target, simplex, metrics, rms_to_target: rms } = given;
    const angles = anglesOf(given);
    close(geometry.rmsDeviation(angles, K, simplex), metrics.angle_rms_deviation, 2 * SINGLE, `K = ${K}`);
    close(geometry.rmsDeviation(angles, K, geometry.pairAngles(target, K, d)), rms, 2 * SINGLE, `K = ${K}, other`);
  }
});

test("deviation is angle less target, for one target and for one a pair", () => {
  const angles = Float32Array.of(0, 90, 60, NaN);
  assert.deepEqual([...geometry.deviation(angles, 60)], [-60, 30, 0, NaN]);
  assert.deepEqual([...geometry.deviation(angles, Float32Array.of(0, 100, 30, 60))], [0, -10, 30, NaN]);
});

test("a slope is the least-squares line's, whatever is not finite left out", () => {
  for (const { x, y, slope } of cases) close(geometry.slope(x, y), slope, 1e-12, "slope");
  assert.equal(geometry.slope([0, 1, 2, -Infinity, 3], [1, 3, 5, 7, NaN]), 2);
  assert.equal(geometry.slope([1, 1, 1], [1, 2, 3]), null);
  assert.equal(geometry.slope([], []), null);
});

test("the slope of push over counts is bcl_core's", () => {
  for (const { K, mass, counts, count_slope: slope } of cases) {
    close(geometry.countSlope(mass, counts), slope, 1e-9, `K = ${K}`);
  }
});

test("push in proportion to counts has slope 1, the same push for all has slope 0, whatever a row's strength", () => {
  const counts = [130, 84, 54, 35, 22, 14, 9, 6, 4, 2];
  const strength = (row) => 1 + ((row * 7) % 5);
  const matrix = (entry) => Float64Array.from({ length: 100 }, (_, i) => strength(Math.floor(i / 10)) * entry(i % 10));
  close(geometry.countSlope(matrix((column) => counts[column]), counts), 1, 1e-12, "proportional");
  close(geometry.countSlope(matrix(() => 3), counts), 0, 1e-12, "flat");
  assert.equal(geometry.countSlope(matrix(() => 3), new Array(10).fill(5)), null);
});
