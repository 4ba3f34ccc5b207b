import assert from "node:assert/strict";
import test from "node:test";

import { read, write } from "../../app/components/lessons/address.js";
import { curvesOf } from "../../app/components/lessons/figures/run.js";
import { predictAddress } from "../../app/components/lessons/links.js";
import { PASSED, Progress, SKIPPED } from "../../app/components/lessons/progress.js";
import { amount, explained, marked, origin, plain, ranges } from "../../app/components/lessons/words.js";

const told = {
  lessons: [
    { key: "A", steps: [{}, {}, {}] },
    { key: "demo", steps: [{}] },
  ],
  languages: { en: {}, xy: {} },
};
const numbers = {
  ten: { value: "96.4", unit: "°", source: "exact" },
  rare: { value: "82.0 ± 4.3", unit: " %", source: "measured", tau: 0.3, batch: 64, seeds: 5 },
  whole: { value: "79.2", unit: "°", source: "measured", tau: 0.3, batch: null, seeds: 2 },
};

test("an address holds lesson, step, language and presenting, and keeps what is not its own", () => {
  const state = read("?lesson=a&step=3&lang=xy&present=1&embed=true", told);
  assert.deepEqual(state, { lesson: "A", step: 2, lang: "xy", presents: true, wrong: [] });
  const search = write("?embed=true&lesson=demo&step=9", state);
  assert.equal(search, "?embed=true&lesson=A&step=3&lang=xy&present=1");
  assert.deepEqual(read(search, told), state);
  assert.equal(write("?lesson=A&step=2", { lesson: null, step: 0, lang: "en", presents: false }), "");
});

test("what an address names and there is not is said, and the rest is shown", () => {
  assert.deepEqual(read("?lesson=Q&lang=__proto__", told).wrong, [
    { what: "lesson", given: "Q" },
    { what: "lang", given: "__proto__" },
  ]);
  for (const step of ["0", "4", "x", "-1", "1.5", ""]) {
    const state = read(`?lesson=A&step=${step}`, told);
    assert.deepEqual([state.lesson, state.step, state.wrong[0].what], ["A", 0, "step"], step);
  }
  assert.deepEqual(read("", told), { lesson: null, step: 0, lang: "en", presents: false, wrong: [] });
});

test("numbers come into texts in one piece, marked with where they are from, or plain", () => {
  const text = "The [rarest|tail] stand {ten} apart, {rare} are right; {unknown}.";
  assert.equal(marked(text, numbers), "The [rarest|tail] stand [96.4°|#ten] apart, [82.0\u00a0±\u00a04.3\u00a0%|#rare] are right; {unknown}.");
  assert.equal(plain(text, numbers), "The rarest stand 96.4° apart, 82.0\u00a0±\u00a04.3\u00a0% are right; {unknown}.");
  assert.equal(amount(numbers.rare), 82);
});

test("a number says its temperature, its batches and its seeds", () => {
  const words = {
    glossary: { tail: "the rarest" },
    sources: { exact: "exact", measured: "{seeds} seeds, τ {tau}, {batches}" },
    batches: "batches of {batch}",
    everything: "one batch",
  };
  assert.equal(origin(numbers.rare, words), "5 seeds, τ 0.3, batches of 64");
  assert.equal(explained(numbers, words)["#whole"], "2 seeds, τ 0.3, one batch");
  assert.deepEqual(ranges([60, 80], "°", { below: "below {value}", above: "above {value}" }), ["below 60°", "60–80°", "above 80°"]);
});

test("guesses are kept by step, survive a store that refuses, and what is garbage there begins anew", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
  const progress = new Progress(storage);
  progress.set("A", 0, 90);
  progress.set("A", 1, SKIPPED);
  progress.set("A", 2, PASSED); // asks nothing, and so is not answered
  const again = new Progress(storage);
  assert.deepEqual([again.at("A", 0), again.at("A", 1), again.at("A", 2), again.done("A")], [90, SKIPPED, PASSED, 2]);
  again.set("A", 0, undefined);
  assert.equal(new Progress(storage).done("A"), 1);
  for (const text of ["{", "null", "3"]) assert.equal(new Progress({ getItem: () => text }).done("A"), 0);
  const refusing = () => {
    throw new Error("refused");
  };
  const alone = new Progress({ getItem: refusing, setItem: refusing });
  alone.set("A", 2, 0);
  assert.equal(alone.at("A", 2), 0);
});

test("Predict is asked by the names that its address has", () => {
  const asked = new URLSearchParams(predictAddress({ counts: [3, 2], tau: 0.3, batch: 64 }).replace("predict?", ""));
  assert.deepEqual(Object.fromEntries(asked), { counts_from: "Paste them", counts: "3 2", temperature: "0.3", batch: "64" });
  assert.match(predictAddress({ counts: [3, 2], tau: 0.5, batch: null }), /everything=true/);
});

test("angles of a run are those of its pairs, in both directions, and none where none was measured", () => {
  const { means, angles } = curvesOf({ epochs: [0, 7], angles: [[1, 2, 3], [900, 1205, -1]], names: ["a", "b", "c"] });
  assert.deepEqual([...means.keys()], [0, 7]);
  assert.deepEqual([...angles(7)].map((degrees) => Math.round(10 * degrees) / 10), [0, 90, 120.5, 90, 0, NaN, 120.5, NaN, 0]);
});
