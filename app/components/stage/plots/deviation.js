// The heat map's scale of angles: how far they are from where they should be.

import { DEVIATION_LIMIT } from "../core/colour.js";
import { number } from "../core/dom.js";

const TICKS = [[-DEVIATION_LIMIT, "−45°"], [0, "0°"], [DEVIATION_LIMIT, "+45°"]];

/** @param {[number, string][]} stops of the diverging scale @param {string} name of what is subtracted */
export function deviationScale(stops, name) {
  const format = (value) => `${value >= 0.05 ? "+" : ""}${number(value, 1)}°`;
  return { stops, low: -DEVIATION_LIMIT, high: DEVIATION_LIMIT, ticks: TICKS, title: `from ${name}`, format };
}
