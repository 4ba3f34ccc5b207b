// The heat map's cells as rectangles on any 2D context, for vector formats: the same picture as cells.js, larger.

import { diagonalGrey } from "./cells.js";
import { mix, rgbToHex } from "./colour.js";

const [MISSING, STRIPE] = [0.05, 0.3]; // greys of a cell without a value, from the page's colour to its text's
const STRIPES = [0.5, 1, 1.5]; // where they cross the cell, in sides of it
const INSET = 1 / 7; // of a cell, around the diagonal's
const GAP_FROM = 12; // pixels that a cell must have for a gap, and for the mark of a value beyond the scale
const MARK = 1 / 4; // of a cell

/** @param {HeatMap} map laid out and filled */
export function drawCells(context, map) {
  const { order, values, scales, blocks, stage } = map;
  const { low, high } = scales.pairs;
  for (let i = 0; i < order.length; i++) {
    for (let j = 0; j < order.length; j++) {
      if (blocks.closedAt(i, j) !== null) continue; // covered
      const cell = map.extent([i, j, i + 1, j + 1]);
      const value = values.pairs[order[i] * order.length + order[j]];
      if (i === j) drawDiagonal(context, cell, values.diagonal[order[i]], scales.diagonal, stage.theme);
      else if (Number.isNaN(value)) drawMissing(context, cell, stage.theme);
      else drawCell(context, cell, rgbToHex(map.colourOf((value - low) / (high - low))), value < low || value > high);
    }
  }
}

function drawCell(context, { x, y, width, height }, colour, beyond = false) {
  const gap = width >= GAP_FROM ? 1 : 0;
  context.fillStyle = colour;
  context.fillRect(x, y, width - gap, height - gap);
  if (!beyond || width < GAP_FROM) return;
  const [leg, margin] = [MARK * width, width / 8];
  const corners = [[width - margin - leg, margin], [width - margin, margin], [width - margin, margin + leg]];
  context.fillStyle = "#ffffff";
  context.beginPath();
  for (const [right, down] of corners) context.lineTo(x + right, y + down);
  context.closePath();
  context.fill();
}

function drawDiagonal(context, { x, y, width, height }, value, range, theme) {
  if (!range || Number.isNaN(value)) return drawMissing(context, { x, y, width, height }, theme);
  const share = Math.min(1, Math.max(0, (value - range.low) / (range.high - range.low)));
  const inset = INSET * width;
  context.fillStyle = rgbToHex(diagonalGrey(share, theme));
  context.fillRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
}

function drawMissing(context, cell, { paperRgb, textRgb }) {
  const { x, y, width, height } = cell;
  drawCell(context, cell, rgbToHex(mix(paperRgb, textRgb, MISSING)));
  context.strokeStyle = rgbToHex(mix(paperRgb, textRgb, STRIPE));
  context.lineWidth = 1;
  context.beginPath();
  for (const place of STRIPES) {
    const [less, more] = [Math.max(0, place - 1), Math.min(1, place)];
    context.moveTo(x + less * width, y + more * height);
    context.lineTo(x + more * width, y + less * height);
  }
  context.stroke();
}
