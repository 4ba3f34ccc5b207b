// The heat map's cells, written pixel by pixel: thousands of drawing commands would take longer than a frame.

import { mix, scale } from "./colour.js";

const SHADES = 256;
const [CORNER_FROM, INSET_FROM, GAP_FROM] = [4, 9, 12]; // device pixels that a cell must have for it
const HATCH = 5; // device pixels from stripe to stripe
const OPAQUE = 0xff000000;

/** Colours as a canvas stores them, for one scale and one theme. */
export class Shades {
  /** @param {[number, string][]} stops as in colour.js */
  constructor(stops, { paperRgb, textRgb }) {
    const neutral = (share) => grey(paperRgb, textRgb, share);
    this.pairs = table(scale(stops));
    this.diagonal = table((t) => diagonalGrey(t, { paperRgb, textRgb }));
    this.paper = packed(paperRgb);
    this.missing = packed(neutral(0.05));
    this.stripe = packed(neutral(0.3));
    this.mark = packed([255, 255, 255]);
  }
}

/** Grey of the diagonal at t of its scale. It has no hue, which beside orange cells would pass for their opposite. */
export function diagonalGrey(t, { paperRgb, textRgb }) {
  return grey(paperRgb, textRgb, 0.06 + 0.7 * t);
}

/** Paints K × K cells into one image. */
export class Cells {
  /**
   * @param {number} side device pixels of the whole square
   * @param {number} count K; above `side`, only some of the cells have a pixel
   */
  constructor(side, count) {
    this.side = side;
    this.count = count;
    this.edges = Int32Array.from({ length: count + 1 }, (_, i) => Math.round((i * side) / count));
    this.image = new ImageData(side, side);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.size = Math.floor(side / count);
  }

  /**
   * @param {Uint32Array} order (K,) the class of each row and column
   * @param {{pairs: Float32Array, diagonal: Float32Array}} values (K, K) and (K,) by class, NaN for none
   * @param {{pairs: Scale, diagonal: ?Scale}} scales as in HeatMap
   * @param {Shades} shades
   */
  paint(order, { pairs, diagonal }, scales, shades) {
    const { count, edges, side, pixels } = this;
    const { low, high } = scales.pairs;
    const share = (SHADES - 1) / (high - low);
    for (let i = 0; i < count; i++) {
      if (edges[i] === edges[i + 1]) continue;
      const row = order[i] * count;
      const line = edges[i] * side;
      for (let j = 0; j < count; j++) {
        const value = pairs[row + order[j]];
        const colour = Number.isNaN(value) ? shades.missing : shades.pairs[clamp((value - low) * share)];
        pixels.fill(colour, line + edges[j], line + edges[j + 1]);
      }
      for (let y = edges[i] + 1; y < edges[i + 1]; y++) pixels.copyWithin(y * side, line, line + side);
      for (let j = 0; j < count; j++) {
        const value = pairs[row + order[j]];
        if (Number.isNaN(value)) this.hatch(i, j, shades.stripe);
        else if (value < low || value > high) this.corner(i, j, shades.mark);
      }
      this.paintDiagonal(i, diagonal[order[i]], scales.diagonal, shades);
    }
    if (this.size >= GAP_FROM) this.rule(shades.paper);
  }

  paintDiagonal(i, value, range, shades) {
    const { edges, side, pixels } = this;
    const known = range && !Number.isNaN(value);
    const shade = known && clamp(((value - range.low) / (range.high - range.low)) * (SHADES - 1));
    const colour = known ? shades.diagonal[shade] : shades.missing;
    const margin = this.size < INSET_FROM ? 0 : Math.round(this.size / 7); // it is seen to be of another kind
    const [from, to] = [edges[i], edges[i + 1]];
    for (let y = from; y < to; y++) {
      pixels.fill(shades.paper, y * side + from, y * side + to);
      if (y >= from + margin && y < to - margin) pixels.fill(colour, y * side + from + margin, y * side + to - margin);
    }
    if (!known) this.hatch(i, i, shades.stripe);
  }

  hatch(i, j, colour) {
    const { edges, side, pixels } = this;
    for (let y = edges[i]; y < edges[i + 1]; y++) {
      for (let x = edges[j]; x < edges[j + 1]; x++) if ((x + y) % HATCH === 0) pixels[y * side + x] = colour;
    }
  }

  /** A triangle in the upper right corner: the scale ends before this value. */
  corner(i, j, colour) {
    if (this.size < CORNER_FROM) return;
    const { edges, side, pixels, size } = this;
    const [leg, margin] = [Math.ceil(size / 4), Math.floor(size / 8)];
    for (let y = 0; y < leg; y++) {
      const end = edges[j + 1] - margin;
      for (let x = end - leg + y; x < end; x++) pixels[(edges[i] + margin + y) * side + x] = colour;
    }
  }

  /** Hairlines between cells that are large enough. */
  rule(colour) {
    const { edges, side, pixels } = this;
    for (const edge of edges.subarray(1)) {
      pixels.fill(colour, (edge - 1) * side, edge * side);
      for (let y = 0; y < side; y++) pixels[y * side + edge - 1] = colour;
    }
  }
}

function clamp(shade) {
  return shade <= 0 ? 0 : shade >= SHADES - 1 ? SHADES - 1 : Math.round(shade);
}

function table(colourAt) {
  return Uint32Array.from({ length: SHADES }, (_, i) => packed(colourAt(i / (SHADES - 1))));
}

function grey(paper, text, share) {
  const lightness = (rgb) => (rgb[0] + rgb[1] + rgb[2]) / 3;
  return new Array(3).fill(lightness(mix(paper, text, share)));
}

function packed([red, green, blue]) {
  return (OPAQUE | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}
