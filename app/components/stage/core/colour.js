// Colour scales and mixing. Colours are [red, green, blue], 0 to 255; which colours there are, Python says.

/** Degrees at which the scale of deviations ends, in every picture; as `DEVIATION_LIMIT` of app/palette.py. */
export const DEVIATION_LIMIT = 45;

/** A scale, linear between stops [0 to 1, "#RRGGBB"]: the colour at t, the end's beyond the ends, null for NaN. */
export function scale(stops) {
  const colours = stops.map(([, hex]) => hexToRgb(hex));
  return (t) => {
    if (Number.isNaN(t)) return null;
    const above = stops.findIndex(([at]) => at > t);
    if (above === 0) return colours[0];
    if (above < 0) return colours.at(-1);
    const [low, high] = [stops[above - 1][0], stops[above][0]];
    return mix(colours[above - 1], colours[above], (t - low) / (high - low));
  };
}

/** The colour between two: `a` at t = 0, `b` at t = 1. */
export function mix(a, b, t) {
  return a.map((channel, i) => channel + t * (b[i] - channel));
}

export function hexToRgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export function rgbToHex(rgb) {
  return `#${rgb.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}

/** "#RRGGBB" as an rgba() text. @param {number} opacity 0 to 1 */
export function translucent(hex, opacity) {
  return `rgba(${hexToRgb(hex).join(",")},${opacity})`;
}
