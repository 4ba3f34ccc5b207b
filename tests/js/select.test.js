import assert from "node:assert/strict";
import test from "node:test";

import * as select from "../../app/components/stage/core/select.js";
import { random } from "./fixtures.js";

function cloud(count, seed) {
  const draw = random(seed);
  return Float32Array.from({ length: 2 * count }, () => 2 * draw() - 1);
}

function some(of, share, seed) {
  const draw = random(seed);
  return Uint32Array.from({ length: of }, (_, i) => i).filter(() => draw() < share);
}

test("a lasso in the shape of a circle takes what lies within its radius", () => {
  const points = cloud(5000, 1);
  const turns = Array.from({ length: 360 }, (_, degree) => (2 * Math.PI * degree) / 360);
  const circle = turns.flatMap((angle) => [0.6 * Math.cos(angle), 0.6 * Math.sin(angle)]);
  const inside = new Set(select.inLasso(points, circle));
  for (let i = 0; i < 5000; i++) {
    const distance = Math.hypot(points[2 * i], points[2 * i + 1]);
    if (Math.abs(distance - 0.6) > 1e-4) assert.equal(inside.has(i), distance < 0.6, `point ${i} at ${distance}`);
  }
});

test("a lasso that is not convex leaves its notch out, and where it crosses itself the inside is outside", () => {
  const points = Float32Array.of(0.5, 0.2, 0.5, 0.8, 0.1, 0.8, 5, 5);
  const notched = [0, 0, 1, 0, 1, 1, 0.5, 0.5, 0, 1];
  assert.deepEqual([...select.inLasso(points, notched)], [0, 2]);
  const bow = Float32Array.of(0, 0, 1, 1, 1, 0, 0, 1);
  assert.deepEqual([...select.inLasso(Float32Array.of(0.1, 0.5, 0.9, 0.5, 0.5, 0.1, 0.5, 0.9), bow)], [0, 1]);
});

test("neighbouring boxes share no point and leave none out", () => {
  const points = Float32Array.from({ length: 50 }, (_, i) => (i % 2 ? Math.floor(i / 10) : (i % 10) / 2));
  const box = (x, y) => [x, y, x + 2, y, x + 2, y + 2, x, y + 2];
  const taken = [0, 2, 4].flatMap((x) => [0, 2, 4].flatMap((y) => [...select.inLasso(points, box(x, y))]));
  assert.deepEqual(taken.sort((a, b) => a - b), Array.from({ length: 25 }, (_, i) => i));
});

test("a lasso of fewer than three corners takes nothing, and a point that is nowhere is never taken", () => {
  const points = Float32Array.of(0.5, 0.5, NaN, 0.5, 0.5, NaN);
  assert.equal(select.inLasso(points, []).length, 0);
  assert.equal(select.inLasso(points, [0, 0, 1, 1]).length, 0);
  assert.deepEqual([...select.inLasso(points, [0, 0, 1, 0, 1, 1, 0, 1])], [0]);
});

test("the nearest point is the nearest of all, within the radius and not beyond", () => {
  const points = cloud(2000, 2);
  const draw = random(3);
  for (let round = 0; round < 100; round++) {
    const [x, y] = [2 * draw() - 1, 2 * draw() - 1];
    const distances = Array.from({ length: 2000 }, (_, i) => Math.hypot(points[2 * i] - x, points[2 * i + 1] - y));
    const least = Math.min(...distances);
    assert.equal(select.nearest(points, x, y, 1.001 * least), distances.indexOf(least));
    assert.equal(select.nearest(points, x, y, 0.999 * least), -1);
  }
});

test("of points at one place the first is found, points that are nowhere never", () => {
  const points = Float32Array.of(NaN, NaN, 1, 1, 1, 1);
  assert.equal(select.nearest(points, 1, 1, 0), 1);
  assert.equal(select.nearest(points, 0, 1, 1), 1);
  assert.equal(select.nearest(Float32Array.of(), 0, 0, 1), -1);
});

test("union and difference are those of sets, and rise", () => {
  for (let seed = 0; seed < 20; seed++) {
    const [a, b] = [some(300, 0.3, seed), some(300, 0.5, seed + 100)];
    const of = (wanted) => Uint32Array.from({ length: 300 }, (_, i) => i).filter(wanted);
    assert.deepEqual(select.union(a, b), of((i) => a.includes(i) || b.includes(i)));
    assert.deepEqual(select.difference(a, b), of((i) => a.includes(i) && !b.includes(i)));
  }
  assert.deepEqual(select.union(Uint32Array.of(2, 10), Uint32Array.of(9)), Uint32Array.of(2, 9, 10));
});

test("a selection's text is read back, whatever is selected", () => {
  for (const size of [1, 5, 6, 7, 300, 10_000]) {
    for (const share of [0, 0.001, 0.1, 0.5, 0.9, 1]) {
      const selection = some(size, share, size);
      const text = select.toText(selection);
      assert.match(text, /^[\w.-]*$/);
      assert.ok(text.length <= Math.ceil(size / 6), `${text.length} characters for ${size} samples`);
      assert.deepEqual(select.fromText(text), selection);
    }
  }
});

test("a few samples of many take a few characters, and so do all of them", () => {
  for (const sample of [50, 300, 9999]) assert.ok(select.toText(Uint32Array.of(sample)).length < 10);
  assert.ok(select.toText(some(10_000, 1, 0)).length < 10);
  assert.equal(select.toText(Uint32Array.of()), "");
});

test("a text that is no selection is refused, one that would fill the memory too", () => {
  for (const text of ["ä", "A B", ".", "A.", "A.5", ".5.", "A.zzzzz.", "A..", "A.ZZ.", "A".repeat(4001), "_.zzzz."]) {
    assert.equal(select.fromText(text), null, text.slice(0, 10));
  }
});

test("rows become lines of comma-separated values, columns named once", () => {
  const rows = [
    { sample: 3, class: "9, n = 2", confidence: 0.25, neighbour: null },
    { neighbour: undefined, sample: 14, class: 'a "b"', confidence: NaN },
    { sample: 15, class: "two\nlines", confidence: 0, neighbour: "\r" },
  ];
  assert.equal(
    select.toCsv(rows),
    'sample,class,confidence,neighbour\r\n3,"9, n = 2",0.25,\r\n14,"a ""b""",,\r\n15,"two\nlines",0,"\r"\r\n',
  );
  assert.equal(select.toCsv([]), "");
});
