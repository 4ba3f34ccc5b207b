import assert from "node:assert/strict";
import test from "node:test";

import { FIELDS, read, write } from "../../app/components/stage/state.js";
import { encode, randomTarget } from "../../app/components/stage/lenses/tour.js";
import { random } from "./fixtures.js";

const DEFAULTS = {
  runs: [],
  lens: "formation",
  epoch: null,
  speed: 6,
  follow: false,
  log: false,
  presenter: false,
  hidden: [],
  control: null,
  selection: Uint32Array.of(),
  metric: "loss",
  beside: "accuracy",
  chart: "metric",
  quantity: "pair_push",
  pushes: "dots",
  fit: "aligned",
  split: "test",
  dims: 2,
  colour: "class",
  layers: ["simplex", "means"],
  pair: [],
  basis: null,
  target: "simplex",
  of: "class_means",
  difference: false,
  blocks: [],
  anchor: null,
  weighs: "weight",
};

function anyState(seed) {
  const draw = random(seed);
  const below = (end) => Math.floor(end * draw());
  const one = (...items) => items[below(items.length)];
  const some = (...items) => items.filter(() => draw() < 0.5);
  const runId = () => `bcl-${below(1e9).toString(36).padStart(8, "0")}`;
  return {
    runs: Array.from({ length: below(5) }, runId),
    epoch: one(null, 0, below(100_000)),
    speed: one(0.5, 6, 60, (100 + below(5000)) / 100),
    follow: one(true, false),
    split: one("test", "train"),
    dims: one(2, 3),
    colour: one("class", "group", "correct", "confidence"),
    layers: some("simplex", "predicted", "means", "trails", "prototypes", "classifier", "shuffled"),
    lens: one("formation", "curves", "push", "embedding", "angles", "batch", "all"),
    anchor: one(null, "0-0", "9-12"),
    weighs: one("weight", "push", "formula"),
    beside: one("accuracy", "nc1"),
    chart: one("metric", "beside", "classes"),
    pushes: one("dots", "map", "bars"),
    fit: one("aligned", "pca", "umap"),
    target: one("simplex", "predicted"),
    of: one("class_means", "prototypes", "classifier"),
    difference: one(true, false),
    blocks: some("0", "4", "8"),
    metric: one("loss", "angle_rms_deviation", "constructor"),
    log: one(true, false),
    quantity: one("pair_push", "gradient_mass"),
    pair: one([], [3], [8, 0]),
    presenter: one(true, false),
    hidden: some("1", "2", "3", "4"),
    control: one(null, "balanced", "swapped"),
    basis: one(null, encode(randomTarget(3 + below(8), seed))),
    selection: Uint32Array.from({ length: 6000 }, (_, i) => i).filter(() => draw() < one(0, 0.01, 0.5)),
  };
}

test("an address without a query shows the defaults, which are written as nothing", () => {
  assert.deepEqual(read(""), DEFAULTS);
  assert.deepEqual(read("?"), DEFAULTS);
  assert.equal(write(DEFAULTS), "");
});

test("every state is read back from the address that it is written to", () => {
  for (let seed = 0; seed < 500; seed++) {
    const state = anyState(seed);
    assert.deepEqual(read(write(state)), state);
    assert.deepEqual(read(`?other=1&${write(state)}`), state);
  }
});

test("only what differs from the defaults is written, in plain letters", () => {
  const state = { ...DEFAULTS, runs: ["scl-12345678", "bcl-12345678"], epoch: 12, layers: [], dims: 3 };
  assert.equal(write(state), "runs=scl-12345678.bcl-12345678&epoch=12&dims=3&layers=");
  for (let seed = 0; seed < 100; seed++) assert.match(write(anyState(seed)), /^[\w.=&-]*$/);
});

test("layers have one order, whatever order they are given in", () => {
  assert.deepEqual(read("layers=means.simplex").layers, ["simplex", "means"]);
  assert.equal(write({ ...DEFAULTS, layers: ["means", "simplex"] }), "");
});

test("addresses of before still show what they showed", () => {
  assert.equal(read("metric=angle_rms_deviation").metric, "angle_rms_deviation");
  assert.equal(read("panels=tour").lens, "embedding");
  assert.equal(read("panels=curves").lens, "curves");
  assert.equal(read("panels=formation.push").lens, "all");
  assert.equal(read("panels=<b>").lens, "formation");
  assert.equal(read("panels=tour&lens=angles").lens, "angles");
});

test("garbage in a field gives that field its default and leaves the others alone", () => {
  const sixRuns = "run-0001.run-0002.run-0003.run-0004.run-0005.run-0006";
  const garbage = {
    lens: ["tour", "", "toString"],
    beside: ["", "NC1"],
    chart: ["first", "toString"],
    pushes: ["", "heatmap"],
    fit: ["tsne", "PCA"],
    runs: ["short", "UPPER-CASE-ID", "../etc/passwd", "run-0001.run-0001", sixRuns],
    epoch: ["-1", "1.5", "1e3", "100000", "NaN", "last", "٣"],
    speed: ["0", "0.4", "61", "-1", "1e1", "Infinity", ""],
    follow: ["true", "2", "toString", ""],
    split: ["validation", "", "__proto__"],
    anchor: ["3", "1-2-3", "a-b", "-1-0"],
    weighs: ["share", ""],
    dims: ["1", "4", "2D", "constructor"],
    colour: ["red", "toString"],
    layers: ["everything", "means.", "means,simplex"],
    target: ["optimum"],
    of: ["means"],
    difference: ["yes"],
    blocks: ["9", "1,2"],
    metric: ["", "NC1", "a b", "<script>", "x".repeat(41)],
    log: ["on", "2"],
    quantity: ["push", "", "toString"],
    pair: ["-1", "1.2.3", "12345", "a"],
    presenter: ["on"],
    hidden: ["0", "6", "1,2"],
    control: ["even", "balanced.swapped", "toString"],
    basis: ["A", "A".repeat(16), "A".repeat(25), "A".repeat(88), "ä".repeat(24), "=".repeat(24)],
    selection: ["~", "A.", "1,5", "_.zzzz."],
  };
  assert.deepEqual(Object.keys(garbage).sort(), Object.keys(FIELDS).sort());
  const others = anyState(1);
  for (const [name, texts] of Object.entries(garbage)) {
    for (const text of texts) {
      const search = new URLSearchParams(write(others));
      search.set(name, text);
      assert.deepEqual(read(search.toString()), { ...others, [name]: DEFAULTS[name] }, `${name}=${text}`);
    }
  }
});

test("no address throws, and what is read from one is written and read the same", () => {
  const draw = random(2);
  const garbage = ["=", "&", "=1&", "%", "%FF", "%00", ".", "test", "means", "\ud800", "A.5.", "?", "#"];
  const pieces = [...Object.keys(FIELDS), ...garbage];
  for (let round = 0; round < 3000; round++) {
    const search = Array.from({ length: 12 * draw() }, () => pieces[Math.floor(pieces.length * draw())]).join("");
    const state = read(search);
    assert.deepEqual(read(write(state)), state, search);
  }
});

test("two reads share nothing, so that what a page does to its state stays with it", () => {
  read("").layers.push("trails");
  assert.deepEqual(read(""), DEFAULTS);
});
