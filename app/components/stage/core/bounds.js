// Of features that are not negative no angle exceeds 90°: their classes cannot stand as a regular simplex does.

const WIDEST = 180; // degrees

/** @param {{widest: number}} about a run: what no angle of its features exceeds, in degrees */
export function isBounded({ widest }) {
  return widest < WIDEST;
}

/** Why such a run comes no nearer to a regular simplex, and how near it can. @param {number} regular degrees */
export function boundInWords({ space, widest }, regular) {
  const least = (regular - widest).toFixed(1);
  return `${space} features are not negative, so no angle exceeds ${widest}° and this cannot fall below ${least}°`;
}
