// The contrastive loss as an expression, under its switches; a term of it knows its name. No DOM: see mathml.js and
// latex.js for what becomes of it.
//
// A node is [kind, ...parts]: i, o and n for a name, an operator and a number; row, frac, sub, sup, fenced; size for how
// many a set has; sum over what stands below it; and term for what explains itself, with its name and whether it is the
// part of it that takes the focus.

/**
 * @typedef {{averaging: boolean, complement: boolean, anchors: "instance" | "class", self_term: boolean}} Switches as
 *   bcl_core.losses.contrastive_loss has them
 */

const i = (name) => ["i", name];
const o = (sign) => ["o", sign];
const n = (number) => ["n", number];
// Takes nodes, and lists of them; false is nothing.
const row = (...parts) => ["row", ...parts.flatMap((part) => (!part ? [] : Array.isArray(part[0]) ? part : [part]))];
const frac = (above, below) => ["frac", above, below];
const sub = (name, ...below) => ["sub", i(name), row(...below)];
const sup = (base, exponent) => ["sup", base, exponent];
const sum = (...below) => ["sum", row(...below)];
const size = (set) => ["size", set];
const term = (name, ...parts) => ["term", name, true, row(...parts)];
const more = (name, ...parts) => ["term", name, false, row(...parts)]; // of a term that has its focus elsewhere

const ANCHOR = i("i");
const POSITIVES = sub("Q", ANCHOR);
const similarity = (of) => sub("s", ANCHOR, i(of));
const exponential = (of) => sup(i("e"), similarity(of));

/** Which terms a switch brings. */
const LIT = {
  anchors: ({ anchors }) => anchors === "class",
  mean: ({ averaging }) => averaging,
  weight: ({ averaging }) => averaging,
  prototypes: ({ complement }) => complement,
  self: ({ self_term }) => self_term,
};

/** Whether a term is there because of a switch. */
export function isLit(name, switches) {
  return Boolean(LIT[name]?.(switches));
}

/**
 * The loss, from the outside in: lines of equations, each of them in parts between which it may break.
 *
 * @param {Switches} switches @returns {Array<Array<Array>>} lines of nodes
 */
export function linesOf({ averaging, complement, anchors, self_term }) {
  const prototype = (of) => complement && [o("∪"), ["set", sub("c", i(of))]];
  const outer =
    anchors === "class"
      ? [frac(n("1"), size(i("C"))), sum(i("y"), o("∈"), i("C")), frac(n("1"), sub("m", i("y"))), sum(ANCHOR, o("∈"), sub("B", i("y")))]
      : [frac(n("1"), size(i("A"))), sum(ANCHOR, o("∈"), i("A"))];
  const own = term("own", sum(i("p"), o("∈"), POSITIVES), exponential("p"));
  const inside = self_term ? row(term("self", sup(i("e"), row(n("1"), o("/"), i("τ")))), o("+"), own) : own;
  const mean = averaging && term("mean", frac(n("1"), row(size(POSITIVES), self_term && more("self", o("+"), n("1")))));
  const weight = averaging && term("weight", frac(n("1"), row(sub("m", i("j")), complement && more("prototypes", o("+"), n("1")))));
  const isThere = averaging && !complement && [o(","), sub("m", i("j")), o(">"), n("0")]; // of none there is no mean
  const members = sum(i("k"), o("∈"), sub("B", i("j")), complement && more("prototypes", prototype("j")));
  return [
    [row(i("ℒ"), o("="), term("anchors", outer), sub("L", ANCHOR))],
    [
      row(sub("L", ANCHOR), o("="), term("log", i("log"), sub("D", ANCHOR))),
      row(o("−"), term("pull", frac(n("1"), size(POSITIVES)), sum(i("p"), o("∈"), POSITIVES), similarity("p"))),
    ],
    [
      row(sub("D", ANCHOR), o("="), mean, averaging && self_term ? ["fenced", inside] : inside),
      row(o("+"), more("others", term("others", sum(i("j"), o("≠"), i("y"), isThere)), weight, members, exponential("k"))),
    ],
    [row(POSITIVES, o("="), sub("P", ANCHOR), complement && term("prototypes", prototype("y")))],
    [row(similarity("k"), o("="), frac(row(sub("z", ANCHOR), o("·"), sub("v", i("k"))), term("temperature", i("τ"))))],
  ];
}
