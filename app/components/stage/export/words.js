// What a picture or a page that leaves the app says of itself, so that it can be made again.

const SPACES = {
  class_means: (space) => `class means, ${space} space, uncentred`,
  prototypes: (space) => `prototypes, ${space} space, uncentred`,
  classifier: () => "classifier weights, backbone space, uncentred",
  curves: (space) => `${space} space, centred only where a curve's definition is`,
};

/** A run in a line: its recipe and seed, the seeds of its bands, and what is shown of it where, by a key of SPACES. */
export function runInWords({ label, recipe, seeds, space }, of = "class_means") {
  const named = recipe.startsWith(label) ? recipe : `${label}: ${recipe}`;
  const bands = seeds ? [`bands over ${seeds} seeds`] : [];
  return [named, ...bands, SPACES[of](space)].join(" · ");
}

/** "python 3.11.7 · torch 2.15.0 …", as recorded when the run was made. */
export function versionsOf({ provenance = {} }) {
  return Object.entries(provenance).map(([what, version]) => `${what} ${version}`).join(" · ");
}

/** A file's name, in letters, digits and hyphens. @param {string} ending without the dot */
export function fileName(words, ending) {
  const plain = words.map((word) => String(word).normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-"));
  return `${plain.join("-").replace(/-+/g, "-").replace(/^-|-$/g, "").slice(0, 100) || "picture"}.${ending}`;
}

/** Text as it may stand in HTML or XML, attributes included; characters that XML does not have are left out. */
export function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const known = String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "");
  return known.replace(/[&<>"']/g, (sign) => entities[sign]);
}

/** JSON as it may stand in a script element: nothing in it ends the element. */
export function scriptJson(value) {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** A script as it may stand in a script element. What would end the element stands in strings and comments only. */
export function scriptText(source) {
  return source.replace(/<(?=\/script|!--)/gi, "\\x3c");
}
