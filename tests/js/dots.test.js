import assert from "node:assert/strict";
import { test } from "node:test";
import {
  along,
  dotsOf,
  drawDegrees,
  drawDots,
  drawRegular,
  placeOf,
  thinned,
  topOf,
} from "../../app/components/stage/plots/dots.js";
import { SvgContext } from "../../app/components/stage/export/svg.js";

const UPRIGHT = { zero: 310, end: 10, highest: 150, sides: [20, 120], upright: true };
const FLAT = { zero: 10, end: 310, highest: 150, sides: [0, 60], upright: false };
const COLOURS = { head: "#0000aa", medium: "#888888", tail: "#dd7700" };
const NO = NaN;
// Classes 0 and 1 are frequent, 2 and 3 rare; class 0 has no direction at this epoch.
const KINDS = ["head", "head", "tail", "tail"];
const ANGLES = [NO, NO, NO, NO, NO, 0, 80, 90, NO, 80, 0, 30, NO, 90, 30, 0];

const drawn = (draw) => {
  const context = new SvgContext((text) => 7 * text.length);
  draw(context);
  return context.text(200, 320, "#ffffff", "dots");
};

test("every pair that has an angle has one dot, of the group that both classes are in", () => {
  assert.deepEqual(dotsOf(ANGLES, KINDS), [
    { row: 2, column: 1, angle: 80, kind: "medium" },
    { row: 3, column: 1, angle: 90, kind: "medium" },
    { row: 3, column: 2, angle: 30, kind: "tail" },
  ]);
});

test("degrees go up an upright axis and to the right along a flat one", () => {
  assert.deepEqual([0, 75, 150].map((degrees) => along(UPRIGHT, degrees)), [310, 160, 10]);
  assert.deepEqual(placeOf(UPRIGHT, { angle: 75 }, 4)[1], 160);
  assert.deepEqual(placeOf(FLAT, { angle: 75 }, 4)[0], 160);
});

test("dots spread over the whole width, no two in one place", () => {
  const places = Array.from({ length: 45 }, (_, i) => placeOf(UPRIGHT, { angle: 0 }, i)[0]).sort((a, b) => a - b);
  const gaps = places.slice(1).map((place, i) => place - places[i]);
  assert.ok(places[0] >= 20 && places.at(-1) <= 120);
  assert.ok(Math.min(...gaps) > 0.5 && Math.max(...gaps) < 5);
});

test("dots within the tail are orange, larger, and over the others", () => {
  const dots = [{ angle: 30, kind: "tail" }, { angle: 80, kind: "medium" }, { angle: 90, kind: "head" }];
  const circles = drawn((context) => drawDots(context, UPRIGHT, dots, { colours: COLOURS })).match(/<circle[^>]*>/g);
  const [, , last] = circles;
  assert.ok(last.includes('fill="#dd7700"'));
  const radii = circles.map((circle) => Number(/ r="([\d.]+)"/.exec(circle)[1]));
  assert.ok(radii[2] > radii[0] && radii[0] === radii[1]);
});

test("the regular simplex is a dashed line as long as it is told, in formats that know no dashes too", () => {
  const text = drawn((context) => drawRegular(context, UPRIGHT, 75, [20, 120], "#000000"));
  const strokes = [...text.matchAll(/M([\d.]+) 160L([\d.]+) 160/g)].map(([, from, to]) => [Number(from), Number(to)]);
  assert.equal(strokes[0][0], 20);
  assert.equal(Math.max(...strokes.flat()), 120);
  assert.ok(strokes.every(([from], i) => i === 0 || from > strokes[i - 1][1]));
});

test("its label takes the place of those that it would cover", () => {
  const look = { beside: 15, font: "11px Sans", colour: "#888888", regular: 96.38 };
  const labels = (axis) =>
    [...drawn((context) => drawDegrees(context, axis, look)).matchAll(/>([\d.]+°)</g)].map(([, text]) => text);
  assert.deepEqual(labels(UPRIGHT), ["0°", "30°", "60°", "120°", "150°", "96.4°"]);
  assert.deepEqual(labels({ ...FLAT, end: 200 }), ["0°", "30°", "60°", "150°", "96.4°"]);
});

test("of very many pairs some of each kind are drawn, the few of the tail among them", () => {
  const dots = Array.from({ length: 10000 }, (_, i) => ({ angle: 90, kind: i < 30 ? "tail" : "medium" }));
  const fewer = thinned(dots, 500);
  assert.ok(fewer.length <= 502 && fewer.length > 450);
  assert.ok(fewer.some(({ kind }) => kind === "tail"));
  assert.equal(thinned(dots.slice(0, 45), 500).length, 45);
});

test("axes end at one angle, but where a pair would lie beyond it", () => {
  assert.equal(topOf([]), 150);
  assert.equal(topOf([{ angle: 146.8 }]), 150);
  assert.equal(topOf([{ angle: 90 }, { angle: 151 }]), 180);
});
