// Kinds of fields of the state: how a value is written in the page's address and read again.
//
// A field is {initial, parse, format}: `parse` reads a text and returns null for garbage, and `format` writes what it
// reads. `initial` is the default as text; where that is "" and garbage, the default is null.

const SEPARATOR = "."; // one that addresses leave as it is

/** Text that matches a pattern; null is written as "". */
export function matching(initial, pattern, convert = String) {
  return {
    initial,
    parse: (text) => (pattern.test(text) ? convert(text) : null),
    format: (value) => (value === null ? "" : String(value)),
  };
}

/** A number from `low` to `high`. */
export function between(initial, low, high) {
  const { parse } = matching(initial, /^\d{1,3}(\.\d{1,2})?$/, Number);
  const inRange = (value) => (value !== null && value >= low && value <= high ? value : null);
  return { initial, parse: (text) => inRange(parse(text)), format: (value) => String(Number(value.toFixed(2))) };
}

export function choice(initial, values) {
  return {
    initial,
    parse: (text) => (Object.hasOwn(values, text) ? values[text] : null),
    format: (value) => Object.keys(values).find((text) => values[text] === value),
  };
}

/** One of some texts, the first of which is the default. */
export function oneOf(...names) {
  return choice(names[0], Object.fromEntries(names.map((name) => [name, name])));
}

export function flag() {
  return choice("0", { 0: false, 1: true });
}

/** Some of these texts, in this order. */
export function someOf(initial, ...names) {
  const { parse } = listOf((items) => items.every((item) => names.includes(item)));
  const ordered = (items) => items && names.filter((name) => items.includes(name));
  return { initial, parse: (text) => ordered(parse(text)), format: (items) => ordered(items).join(SEPARATOR) };
}

/** A list that `accepts` takes as texts, empty by default. */
export function listOf(accepts, convert = String) {
  const itemsOf = (text) => (text === "" ? [] : text.split(SEPARATOR));
  return {
    initial: "",
    parse: (text) => (accepts(itemsOf(text)) ? itemsOf(text).map(convert) : null),
    format: (items) => items.join(SEPARATOR),
  };
}
