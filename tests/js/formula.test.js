import assert from "node:assert/strict";
import test from "node:test";

import { isLit, linesOf } from "../../app/components/formula/expression.js";
import { latexOfLines } from "../../app/components/formula/latex.js";
import { partsOf } from "../../app/components/formula/parts.js";
import { TERMS, amount, numbersOf, saysOf, titleOf } from "../../app/components/formula/words.js";
import { Loss, VIEWS } from "../../app/components/sphere/loss.js";
import { toldOf } from "../../app/components/stage/core/denominator.js";
import { jsonOf } from "./fixtures.js";

const WORDS = jsonOf("words.json"); // by language
const [OFF, ON] = [false, true];
const SCL = { averaging: OFF, complement: OFF, anchors: "instance", self_term: OFF };
const BCL = { ...SCL, averaging: ON, complement: ON };
const ALL = [OFF, ON].flatMap((averaging) =>
  [OFF, ON].flatMap((complement) =>
    [OFF, ON].flatMap((self_term) => ["instance", "class"].map((anchors) => ({ averaging, complement, self_term, anchors }))),
  ),
);

function near(found, expected, what) {
  assert.ok(Math.abs(found - expected) < 1e-6 * Math.max(1, Math.abs(expected)), `${what}: ${found}, not ${expected}`);
}

/** What stands in the formula adds up, as it says. @returns {number} what it makes of the loss */
function weighed(parts, what) {
  const others = parts.others.reduce((sum, part) => sum + part, 0);
  near(parts.own + others, parts.denominator, `${what}: the denominator`);
  near(Math.log(parts.own + others) - parts.pull, parts.loss, `${what}: L_i`);
  return parts.weight * parts.loss;
}

/** Names of the terms of a formula. */
function termsOf(node, found = new Set()) {
  if (node[0] === "term") found.add(node[1]);
  for (const part of node) if (Array.isArray(part)) termsOf(part, found);
  return found;
}

test("the terms of every point of the sphere add up to contrastive_loss, in every corner with both anchors", () => {
  const { cases } = jsonOf("sphere.json");
  const loss = new Loss(4);
  for (const { switches, value, batch, ...sphere } of cases) {
    loss.evaluate({ ...sphere, classes: Uint8Array.from(sphere.classes) }, Int32Array.from(batch), switches);
    const what = JSON.stringify(switches);
    const all = batch.map((_, row) => VIEWS * weighed(partsOf(loss.told(row), { ...switches, self_term: OFF }), what));
    near(all.reduce((sum, part) => sum + part, 0), value, what);
    near(loss.told(0).value, value, what);
  }
  assert.equal(cases.length, 3 * 8);
});

test("those of every anchor of a recorded batch do, with the self term and without", () => {
  const cases = jsonOf("denominators.json");
  for (const { features, prototypes, labels, V, K, d, loss, values } of cases) {
    const members = labels.flatMap((label) => Array(V).fill(label));
    const keys = Float64Array.from([...features, ...prototypes]);
    const batch = { keys, classes: Int32Array.from([...members, ...Array(K).keys()]), K, d };
    const exponential = (a, k) => Math.exp([...Array(d).keys()].reduce((sum, x) => sum + keys[a * d + x] * keys[k * d + x], 0) / loss.temperature);
    for (const anchors of ["instance", "class"]) {
      const what = JSON.stringify({ ...loss, anchors });
      const found = members.map((own, a) => {
        const parts = partsOf(toldOf(batch, a, loss), { ...loss, anchors });
        const positives = members.flatMap((other, k) => (other === own && k !== a ? k : []));
        if (loss.complement) positives.push(members.length + own);
        near(parts.sum, positives.reduce((sum, k) => sum + exponential(a, k), 0), `${what}: the own class's sum`);
        near(parts.self, loss.self_term * Math.exp(1 / loss.temperature) / (loss.averaging ? positives.length + 1 : 1), `${what}: self`);
        near(parts.prototypes[4], loss.complement * exponential(a, members.length + 4), `${what}: the prototype of an absent class`);
        return weighed(parts, what);
      });
      near(found.reduce((sum, part) => sum + part, 0), values[anchors], what);
    }
  }
  assert.equal(cases.length, 8);
});

test("an anchor without a positive does not count, and has no numbers", () => {
  const told = { own: 1, sizes: [3, 1], shares: [1, 0], prototypes: [0, 0], self: 0, log: 1, pull: NaN };
  assert.equal(partsOf(told, SCL), null);
  assert.equal(partsOf({ ...told, own: 0 }, { ...SCL, anchors: "class" }).weight, 1 / 3);
});

test("a switch that is off leaves no trace: SCL's formula is SCL's, and BCL's is BCL's", () => {
  const [loss, log] = [`\\mathcal{L} &= \\frac{1}{\\lvert A \\rvert}\\sum_{i \\in A}L_i`, `L_i &= \\log D_i - \\frac{1}{\\lvert Q_i \\rvert}\\sum_{p \\in Q_i}s_{ip}`];
  const similarity = `s_{ik} &= \\frac{z_i \\cdot v_k}{\\tau}`;
  const written = (...lines) => `\\begin{aligned}\n${lines.join(" \\\\\n")}\n\\end{aligned}`;
  assert.equal(
    latexOfLines(linesOf(SCL)),
    written(loss, log, `D_i &= \\sum_{p \\in Q_i}e^{s_{ip}} + \\sum_{j \\neq y}\\sum_{k \\in B_j}e^{s_{ik}}`, "Q_i &= P_i", similarity),
  );
  const own = `\\frac{1}{\\lvert Q_i \\rvert}\\sum_{p \\in Q_i}e^{s_{ip}}`;
  const others = `\\sum_{j \\neq y}\\frac{1}{m_j + 1}\\sum_{k \\in B_j \\cup \\{c_j\\}}e^{s_{ik}}`;
  assert.equal(
    latexOfLines(linesOf(BCL)),
    written(loss, log, `D_i &= ${own} + ${others}`, `Q_i &= P_i \\cup \\{c_y\\}`, similarity),
  );
  const averaging = latexOfLines(linesOf({ ...SCL, averaging: ON }));
  assert.ok(averaging.includes("\\sum_{j \\neq y,m_j > 0}\\frac{1}{m_j}\\sum_{k \\in B_j}"), averaging);
  const printed = latexOfLines(linesOf({ ...BCL, self_term: ON, anchors: "class" }));
  assert.ok(printed.includes("\\frac{1}{\\lvert Q_i \\rvert + 1}\\Big(e^{1/\\tau} + \\sum_{p \\in Q_i}e^{s_{ip}}\\Big)"), printed);
  assert.ok(printed.includes("\\frac{1}{\\lvert C \\rvert}\\sum_{y \\in C}\\frac{1}{m_y}\\sum_{i \\in B_y}L_i"), printed);
});

test("every term of every formula says what it does and what it comes to; lit are those that a switch brought", () => {
  const told = { own: 2, sizes: [98, 22, 6, 0], shares: [0.5, 0.2, 0.3, 0], prototypes: [0.01, 0.02, 0.1, 0], self: 0, log: 4, pull: 2.5, value: 1.2 };
  for (const switches of ALL) {
    const terms = termsOf(linesOf(switches));
    const parts = partsOf(told, switches);
    for (const name of terms) {
      for (const [lang, words] of Object.entries(WORDS)) {
        const numbers = numbersOf(name, parts, { switches, temperature: 0.3, names: "ABCD", own: 2, value: 1.2 }, words);
        const said = `${titleOf(name, switches, words)}${words.formula.after_title}${saysOf(name, switches, words)} ${numbers}`;
        assert.match(said, lang === "zh" ? /^\S.{1,}：.{10,}\d.*。$/ : /^\S.{6,}\. .{20,}\d.*\.$/);
        assert.doesNotMatch(said, /[{}]|NaN|undefined|null|Infinity|–/, said);
      }
    }
    for (const name of Object.keys(TERMS)) {
      const isBrought = ["mean", "weight", "prototypes", "self"].includes(name);
      if (isBrought) assert.equal(terms.has(name), isLit(name, switches), name);
      else assert.ok(terms.has(name), name);
    }
    assert.equal(isLit("anchors", switches), switches.anchors === "class");
  }
});

test("amounts have three digits or all before the point", () => {
  const said = [0, 0.0123, 1, 9.996, 47.25, 1104.2, 22026.47, 5.2e21, 4e-7].map(amount);
  assert.deepEqual(said, ["0", "0.0123", "1.00", "10.0", "47.3", "1,104", "22,026", "5.20 × 10²¹", "4.00 × 10⁻⁷"]);
});

test("what a term comes to is said of one and of many", () => {
  const [words, of] = [WORDS.en, { switches: SCL, temperature: 0.5, names: "ABCD", own: 2 }];
  const said = (name, parts, more = {}) => numbersOf(name, parts, { ...of, ...more }, words);
  assert.equal(said("anchors", { anchors: 128, weight: 1 / 128 }, { value: 5.1 }), "128 anchors; this one weighs 1/128. The loss of the batch: 5.10.");
  assert.equal(said("anchors", { classes: 1, weight: 0.5 }, { switches: { ...SCL, anchors: "class" } }), "1 class; this one weighs 1/2.");
  assert.equal(said("pull", { positives: 1, pull: 1.5 }), "Mean over 1 positive: 1.50. The most it can be is 1/τ = 2.00.");
  assert.equal(said("weight", { members: [0, 0, 3, 0] }), "no other class is here.");
  assert.equal(said("others", { others: [1, 0, 0, 2], denominator: 6 }), "A:\u00a01.00, B:\u00a00, D:\u00a02.00; together 50 % of D.");
  const many = { names: Array.from({ length: 14 }, (_, k) => `c${k}`), own: 0 };
  assert.match(said("weight", { members: Array(14).fill(4) }, many), /^c1:\u00a01\/4, .* and 3 more\.$/);
});
