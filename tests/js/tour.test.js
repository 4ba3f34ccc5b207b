import assert from "node:assert/strict";
import test from "node:test";

import * as tour from "../../app/components/stage/lenses/tour.js";
import { random } from "./fixtures.js";

const DIMS = [3, 4, 7, 10];

function rowsOf(basis) {
  const D = basis.length / 3;
  return [0, 1, 2].map((row) => Array.from(basis.subarray(row * D, (row + 1) * D)));
}

function inner(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Screen x, screen y and depth of a point. */
function project(basis, point) {
  return rowsOf(basis).map((row) => inner(row, point));
}

function determinant(basis) {
  const [[a, b, c], [d, e, f], [g, h, i]] = rowsOf(basis);
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

/** Largest angle between matching rows, in radians. */
function apart(basis, other) {
  const others = rowsOf(other);
  const angles = rowsOf(basis).map((row, i) => {
    const difference = Math.hypot(...row.map((value, j) => value - others[i][j]));
    return 2 * Math.asin(Math.min(1, difference / 2));
  });
  return Math.max(...angles);
}

function assertOrthonormal(basis, tolerance) {
  const rows = rowsOf(basis);
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      const error = Math.abs(inner(a, b) - (i === j ? 1 : 0));
      assert.ok(error < tolerance, `rows ${i} and ${j} are off by ${error}`);
    });
  });
}

function assertClose(actual, expected, tolerance) {
  const error = Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i])));
  assert.ok(error < tolerance, `${Array.from(actual)} is off by ${error} from ${Array.from(expected)}`);
}

function* everyChange(D, count) {
  const draw = random(D);
  const signed = () => 2 * draw() - 1;
  let [basis, target, seed] = [tour.randomTarget(D, 1000), tour.randomTarget(D, 0), 0];
  for (let i = 0; i < count; i++) {
    const kind = Math.floor(10 * draw());
    const before = basis;
    if (kind < 5) basis = tour.drag(basis, 0.1 * signed(), 0.1 * signed());
    else if (kind < 8) {
      const step = tour.autoStep(basis, target, 0.05);
      basis = step.basis;
      if (step.arrived) target = tour.randomTarget(D, ++seed);
    } else if (kind < 9) basis = tour.face(basis, Array.from({ length: D }, signed), 0.2);
    else basis = tour.facePlane(basis, Array.from({ length: D }, signed), Array.from({ length: D }, signed), 0.1);
    yield { before, basis };
  }
}

test("a basis is orthonormal to 1e-9 after 10,000 changes of every kind, and never jumps", () => {
  for (const D of DIMS) {
    for (const { before, basis } of everyChange(D, 10_000)) {
      assertOrthonormal(basis, 1e-9);
      assert.ok(apart(before, basis) < 0.201 * Math.PI); // what the largest change, a fifth of half a turn, can do
    }
  }
});

test("in three dimensions no change ever mirrors the picture", () => {
  for (const { basis } of everyChange(3, 10_000)) assert.ok(determinant(basis) > 0.999);
  for (let seed = 0; seed < 100; seed++) assert.ok(determinant(tour.randomTarget(3, seed)) > 0.999);
});

test("a change leaves the basis that it was given as it was", () => {
  const basis = tour.randomTarget(5, 1);
  const copy = basis.slice();
  tour.drag(basis, 0.3, 0.2);
  tour.autoStep(basis, tour.randomTarget(5, 2), 1);
  tour.facePlane(basis, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]);
  tour.orthonormalise(basis);
  assert.deepEqual(basis, copy);
});

test("the first basis shows the first three coordinates", () => {
  assert.deepEqual(project(tour.identity(5), [1, 2, 3, 4, 5]), [1, 2, 3]);
  assert.throws(() => tour.identity(2), /D is 2; expected 3 or more/);
});

test("in three dimensions a drag is a trackball: the front follows the pointer by the drag's angle", () => {
  const basis = tour.randomTarget(3, 4);
  const [x, y, depth] = rowsOf(basis);
  for (const [dx, dy] of [[0.3, 0], [0, -0.7], [0.2, 0.5]]) {
    const length = Math.hypot(dx, dy);
    const seen = project(tour.drag(basis, dx, dy), depth);
    assertClose(seen, [(dx / length) * Math.sin(length), (dy / length) * Math.sin(length), Math.cos(length)], 1e-12);
    const axis = x.map((value, i) => (-dy * value + dx * y[i]) / length);
    assertClose(project(tour.drag(basis, dx, dy), axis), project(basis, axis), 1e-12);
  }
});

test("a drag of nothing, or of no number, changes nothing", () => {
  const basis = tour.randomTarget(8, 5);
  assert.deepEqual(tour.drag(basis, 0, 0), basis);
  assert.deepEqual(tour.drag(basis, NaN, 1), basis);
});

test("dragging there and back brings the same picture back, hidden dimensions too", () => {
  for (const D of DIMS) {
    const start = tour.randomTarget(D, 6);
    let basis = start;
    const steps = Array.from({ length: 200 }, (_, i) => [0.02 * Math.cos(i / 30), 0.02 * Math.sin(i / 30)]);
    for (const [dx, dy] of steps) basis = tour.drag(basis, dx, dy);
    assert.ok(apart(basis, start) > 0.5);
    for (const [dx, dy] of steps.reverse()) basis = tour.drag(basis, -dx, -dy);
    assert.ok(apart(basis, start) < 0.002, `D = ${D}: ${apart(basis, start)} rad away`);
  }
});

test("dragging on brings every hidden dimension to the screen, slower than what is seen turns", () => {
  for (const D of [4, 7, 10]) {
    let basis = tour.identity(D);
    const once = tour.drag(basis, 0.1, 0);
    assert.ok(apart(once, basis) < 0.15);
    const reached = new Array(D).fill(0);
    for (let i = 0; i < 3000; i++) {
      basis = tour.drag(basis, 0.05 * Math.cos(i / 100) ** 2, 0.03);
      const [x, y] = rowsOf(basis);
      x.forEach((value, axis) => (reached[axis] = Math.max(reached[axis], Math.hypot(value, y[axis]))));
    }
    assert.ok(Math.min(...reached) > 0.7, `D = ${D}: ${reached}`);
  }
});

test("the automatic tour turns at one speed, whatever its target, and reaches the target's plane", () => {
  const dt = 0.01;
  for (const D of DIMS) {
    let basis = tour.identity(D);
    const speeds = [];
    for (let seed = 0; seed < 5; seed++) {
      const target = tour.randomTarget(D, seed);
      let arrived = false;
      for (let steps = 0; !arrived; steps++) {
        assert.ok(steps < 2000, "never arrives");
        const before = rowsOf(basis).slice(0, 2);
        ({ basis, arrived } = tour.autoStep(basis, target, dt));
        const now = rowsOf(basis).slice(0, 2);
        // The distance of two planes from their inner products: cosines of principal angles are singular values.
        const [[a, b], [c, d]] = before.map((row) => now.map((other) => inner(row, other)));
        const squares = a * a + b * b + c * c + d * d;
        if (!arrived) speeds.push(Math.sqrt(2 - squares) / dt);
      }
      const [x, y] = rowsOf(basis);
      for (const row of rowsOf(target).slice(0, 2)) {
        assert.ok(Math.abs(inner(x, row) ** 2 + inner(y, row) ** 2 - 1) < 1e-6, `D = ${D}, seed ${seed}`);
      }
    }
    assert.ok(Math.min(...speeds) > 0.399 && Math.max(...speeds) < 0.401, `D = ${D}: ${Math.min(...speeds)}`);
  }
});

test("the tour takes the shortest way: never more than a quarter turn of either principal direction", () => {
  const longest = Math.hypot(Math.PI / 2, Math.PI / 2) / 0.4;
  for (let seed = 0; seed < 200; seed++) {
    const target = tour.randomTarget(3 + (seed % 8), seed);
    const { arrived } = tour.autoStep(tour.randomTarget(3 + (seed % 8), seed + 1000), target, longest + 1e-6);
    assert.ok(arrived);
  }
});

test("a tour that is at its target stays there, and no time moves nothing", () => {
  const target = tour.randomTarget(6, 7);
  const { basis, arrived } = tour.autoStep(target, target, 0.1);
  assert.ok(arrived);
  assertClose(basis, target, 1e-12);
  const still = tour.autoStep(tour.identity(6), target, 0);
  assert.ok(!still.arrived);
  assertClose(still.basis, tour.identity(6), 1e-12);
});

test("targets come from their seed, differ between seeds, and favour no direction", () => {
  assert.deepEqual(tour.randomTarget(10, 3), tour.randomTarget(10, 3));
  assert.ok(apart(tour.randomTarget(10, 3), tour.randomTarget(10, 4)) > 0.5);
  const moments = [0, 0, 0, 0];
  const sums = [0, 0, 0, 0];
  for (let seed = 0; seed < 4000; seed++) {
    rowsOf(tour.randomTarget(4, seed))[0].forEach((value, i) => {
      moments[i] += value ** 2 / 4000;
      sums[i] += value / 4000;
    });
  }
  // Four standard errors: of a mean square of 1/4 over 4,000 draws 0.0035, of a mean 0.008.
  for (const moment of moments) assert.ok(Math.abs(moment - 0.25) < 0.015, `${moments}`);
  for (const sum of sums) assert.ok(Math.abs(sum) < 0.032, `${sums}`);
});

test("the class that is faced lies on screen x, by the smallest turn", () => {
  for (const D of DIMS) {
    const basis = tour.randomTarget(D, 8);
    const direction = Float32Array.from({ length: D }, (_, i) => 0.3 * Math.sin(i + 1));
    const length = Math.hypot(...direction);
    const [before] = project(basis, direction);
    assertClose(project(tour.face(basis, direction), direction), [length, 0, 0], 1e-9);
    for (const fraction of [0, 0.25, 0.5, 0.75]) {
      const [x] = project(tour.face(basis, direction, fraction), direction);
      assert.ok(Math.abs(Math.acos(x / length) - (1 - fraction) * Math.acos(before / length)) < 1e-7);
    }
  }
});

test("facing what lies straight behind turns half way round, without a mirror", () => {
  const basis = tour.identity(3);
  assertClose(tour.face(basis, [-1, 0, 0]), [-1, 0, 0, 0, 1, 0, 0, 0, -1], 1e-12);
  assertOrthonormal(tour.face(basis, [-1, 3e-9, 2e-9]), 1e-12);
  const plane = tour.facePlane(basis, [1, 0, 0], [0, -1, 0]);
  assertClose(plane, [1, 0, 0, 0, -1, 0, 0, 0, -1], 1e-12);
});

test("facing a plane puts the first direction on screen x and the second above it", () => {
  const [a, b] = [[1, 2, 0, -1, 0.5], [0.5, 0, 1, 1, 0]];
  const basis = tour.facePlane(tour.randomTarget(5, 9), a, b);
  assertOrthonormal(basis, 1e-12);
  assertClose(project(basis, a), [Math.hypot(...a), 0, 0], 1e-9);
  const [x, y, depth] = project(basis, b);
  assert.ok(Math.abs(x - inner(a, b) / Math.hypot(...a)) < 1e-9);
  assert.ok(y > 0 && Math.abs(Math.hypot(x, y) - Math.hypot(...b)) < 1e-9);
  assert.ok(Math.abs(depth) < 1e-9);
});

test("facing is animated from where it begins to where it ends", () => {
  const [start, a, b] = [tour.randomTarget(7, 10), [1, 0, 2, 0, 0, 1, 0], [0, 1, 0, 0, 3, 1, 1]];
  assertClose(tour.facePlane(start, a, b, 0), start, 1e-12);
  let before = start;
  for (let step = 1; step <= 100; step++) {
    const basis = tour.facePlane(start, a, b, step / 100);
    assert.ok(apart(before, basis) < 0.1);
    before = basis;
  }
  assertClose(before, tour.facePlane(start, a, b), 1e-12);
});

test("what has no direction turns nothing", () => {
  const basis = tour.randomTarget(4, 11);
  assert.deepEqual(tour.face(basis, [0, 0, 0, 0]), basis);
  assert.deepEqual(tour.face(basis, [NaN, 1, 0, 0]), basis);
  assert.deepEqual(tour.face(basis, [Infinity, 1, 0, 0]), basis);
  const facing = tour.face(basis, [1, 2, 3, 4]);
  assertClose(tour.facePlane(basis, [1, 2, 3, 4], [-2, -4, -6, -8]), facing, 1e-12);
  assertClose(tour.facePlane(basis, [1, 2, 3, 4], [NaN, 0, 0, 0]), facing, 1e-12);
});

test("a basis in the address is read back to 1e-3 rad, in few characters that addresses keep", () => {
  for (const D of DIMS) {
    for (let seed = 0; seed < 200; seed++) {
      const basis = tour.randomTarget(D, seed);
      const text = tour.encode(basis);
      assert.match(text, /^[\w-]+$/);
      assert.equal(text.length, 8 * D);
      const back = tour.decode(text, D);
      assertOrthonormal(back, 1e-12);
      assert.ok(apart(back, basis) < 1e-3);
    }
  }
  assert.deepEqual(tour.decode(tour.encode(tour.identity(5)), 5), tour.identity(5));
});

test("garbage in the address is no basis, and neither is a mirror or one of other dimensions", () => {
  const draw = random(12);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 32 }, () => alphabet[Math.floor(64 * draw())]).join("");
    assert.equal(tour.decode(text, 4), null);
  }
  const text = tour.encode(tour.identity(4));
  for (const garbage of ["", "ä".repeat(32), `${text.slice(0, -1)}=`, text.slice(4), `${text}AAAA`, "A".repeat(32)]) {
    assert.equal(tour.decode(garbage, 4), null);
  }
  assert.equal(tour.decode(text, 5), null);
  assert.equal(tour.decode(tour.encode(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, -1)), 3), null);
});
