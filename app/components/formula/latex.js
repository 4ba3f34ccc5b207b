// An expression as LaTeX, for amsmath.

const NAMES = { ℒ: "\\mathcal{L}", τ: "\\tau", log: "\\log" };
const SIGNS = { "∈": "\\in", "≠": "\\neq", "∪": "\\cup", "−": "-", "·": "\\cdot" };

const KINDS = {
  i: (name) => NAMES[name] ?? name,
  o: (sign) => ([",", "/"].includes(sign) ? sign : ` ${SIGNS[sign] ?? sign} `),
  n: (number) => number,
  row: (...parts) => joined(parts.map(latexOf)),
  frac: (above, below) => `\\frac{${latexOf(above)}}{${latexOf(below)}}`,
  sub: (name, below) => `${latexOf(name)}_${braced(below)}`,
  sup: (base, exponent) => `${latexOf(base)}^${braced(exponent)}`,
  sum: (below) => `\\sum_${braced(below)}`,
  size: (set) => `\\lvert ${latexOf(set)} \\rvert`,
  set: (member) => `\\{${latexOf(member)}\\}`,
  fenced: (inside) => `\\Big(${latexOf(inside)}\\Big)`,
  term: (name, isFocus, content) => latexOf(content),
};

/** @param {Array} node of expression.js */
export function latexOf([kind, ...parts]) {
  return KINDS[kind](...parts).replace(/ {2,}/g, " ");
}

/** Lines of equations, set one below the other at their signs of equality. */
export function latexOfLines(lines) {
  const rows = lines.map((parts) => joined(parts.map(latexOf)).trim().replace(" = ", " &= "));
  return `\\begin{aligned}\n${rows.join(" \\\\\n")}\n\\end{aligned}`;
}

function braced(node) {
  const text = latexOf(node).trim();
  return text.length === 1 ? text : `{${text}}`;
}

/** A command of letters and a letter after it are kept apart. */
function joined(texts) {
  return texts.reduce((all, text) => all + (/\\[a-z]+$/i.test(all) && /^[a-z]/i.test(text) ? " " : "") + text, "");
}
