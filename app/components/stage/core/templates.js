// Sentences from a language's templates: what they say comes into them by names in braces.

import { whole } from "./words.js";

export const PLACE = /\{([a-z][a-z0-9_]*)\}/g;

/** What `{name}` stands for in a text; names that are not there stay, so that they are seen. */
export function filled(text, given) {
  return text.replace(PLACE, (place, name) => given[name] ?? place);
}

/** A template for one and a template for many, with their count as `{n}`. @param {[string, string]} templates */
export function counted([one, many], count, given = {}) {
  return filled(count === 1 ? one : many, { n: whole(count), ...given });
}

/** Which batches something is of. @param {?number} size in images; null: all of them */
export function batchesIn({ batches, everything }, size) {
  return size === null ? everything : filled(batches, { batch: size });
}
