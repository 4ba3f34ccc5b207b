// The heat map's cells, on any 2D context: a colour a value, a corner where it lies beyond the scale, stripes for none.

import { mix, rgbToHex, scale } from "../core/colour.js";
import { stroke } from "./pen.js";

const SHADES = 256;
const [MISSING, STRIPE] = [0.05, 0.3]; // greys of a cell without a value, from the page's colour to its text's
const STRIPES = [0.5, 1, 1.5]; // where they cross the cell, in sides of it
const INSET = 1 / 7; // of a cell, around the diagonal's, which is seen to be of another kind
const MARK = 1 / 4; // of a cell
const LIGHTEST = 0.4; // lightness, 0 to 1, beyond which a mark in a colour is dark
const GAP_FROM = 12; // pixels that a cell must have for a gap, and for all that is smaller than itself

/** Grey of the diagonal at t of its scale. It has no hue, which beside red cells would pass for their opposite. */
export function diagonalGrey(t, { paperRgb, textRgb }) {
  return new Array(3).fill(lightness(mix(paperRgb, textRgb, 0.06 + 0.7 * t)));
}

export class Shades {
  constructor(stops, theme) {
    const grey = (share) => rgbToHex(mix(theme.paperRgb, theme.textRgb, share));
    const colourAt = scale(stops);
    this.pairs = table(colourAt);
    this.marks = [0, 1].map((end) => (lightness(colourAt(end)) > 255 * LIGHTEST ? "#000000" : "#ffffff"));
    this.diagonal = table((t) => diagonalGrey(t, theme));
    [this.missing, this.stripe] = [grey(MISSING), grey(STRIPE)];
  }
}

export function drawCells(context, map) {
  const { order, values, scales, blocks, shades, frame } = map;
  const [K, { edges }] = [order.length, frame];
  if (!values.pairs || (blocks.grouped && !blocks.open.size)) return; // there are blocks alone
  for (let i = 0; i < K; i++) {
    if (edges[i] === edges[i + 1]) continue; // more classes than pixels
    for (let j = 0; j < K; j++) {
      if (edges[j] === edges[j + 1] || blocks.closedAt(i, j) !== null) continue;
      const cell = map.extent([i, j, i + 1, j + 1]);
      if (i === j) drawDiagonal(context, cell, values.diagonal[order[i]], scales.diagonal, shades);
      else drawPair(context, cell, values.pairs[order[i] * K + order[j]], scales.pairs, shades);
    }
  }
}

function drawPair(context, cell, value, range, shades) {
  if (Number.isNaN(value)) return drawMissing(context, cell, shades);
  fill(context, cell, shades.pairs[shade(value, range)]);
  const isBeyond = value < range.low || value > range.high;
  if (isBeyond && cell.width >= GAP_FROM) drawCorner(context, cell, shades.marks[Number(value > range.high)]);
}

function drawDiagonal(context, cell, value, range, shades) {
  if (!range || Number.isNaN(value)) return drawMissing(context, cell, shades);
  const { x, y, width, height } = cell;
  const inset = width < GAP_FROM ? 0 : INSET * width;
  context.fillStyle = shades.diagonal[shade(value, range)];
  context.fillRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
}

function drawMissing(context, cell, shades) {
  const { x, y, width, height } = cell;
  fill(context, cell, shades.missing);
  context.beginPath();
  for (const place of STRIPES) {
    const [less, more] = [Math.max(0, place - 1), Math.min(1, place)];
    context.moveTo(x + less * width, y + more * height);
    context.lineTo(x + more * width, y + less * height);
  }
  stroke(context, shades.stripe, 1);
}

/** A triangle in the upper right corner: the scale ends before this value. */
function drawCorner(context, { x, y, width }, colour) {
  const [leg, margin] = [MARK * width, width / 8];
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x + width - margin - leg, y + margin);
  context.lineTo(x + width - margin, y + margin);
  context.lineTo(x + width - margin, y + margin + leg);
  context.closePath();
  context.fill();
}

function fill(context, { x, y, width, height }, colour) {
  const gap = width >= GAP_FROM ? 1 : 0;
  context.fillStyle = colour;
  context.fillRect(x, y, width - gap, height - gap);
}

function shade(value, { low, high }) {
  return Math.round((SHADES - 1) * Math.min(1, Math.max(0, (value - low) / (high - low))));
}

function lightness(rgb) {
  return (rgb[0] + rgb[1] + rgb[2]) / 3;
}

function table(colourAt) {
  return Array.from({ length: SHADES }, (_, i) => rgbToHex(colourAt(i / (SHADES - 1))));
}
