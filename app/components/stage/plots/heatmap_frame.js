// What stands around and over the heat map's cells: axes, closed blocks of classes, the colour bars.

import { diagonalGrey } from "./cells.js";
import { rgbToHex } from "../core/colour.js";

const AXIS = 24; // pixels that names along an axis take
const LEGEND = 56;
const LEGEND_ROOM = 300;
const BAR = 8;
const GAP = 8;
const EDGE = 3;
const LONGEST = 0.34; // of the width or height, for names across an axis
const LINE = 12; // pixels that a name must have across
const BEYOND = "  ◥ beyond";
const [DARK, LIGHT] = ["#11141B", "#FFFFFF"];

/**
 * Divide the host: where the square of cells goes, in CSS pixels that fall on whole device pixels, and where within it
 * its K × K cells end. Names of groups, where it is `grouped`, have room to be written along the axes.
 */
export function layOut(context, { width, height, ratio, theme }, names, grouped, count) {
  context.font = font(theme);
  const longest = (texts) => Math.max(...texts.map((text) => context.measureText(text).width));
  const whole = (length) => Math.max(0, Math.floor(length * ratio));
  const left = grouped ? AXIS : Math.min(LONGEST * width, Math.ceil(longest(names.rows)) + 1) + GAP;
  const room = width - left - EDGE;
  const widest = Math.min(room, height - AXIS - LEGEND); // the side, were the names not upright
  const upright = !grouped && longest(names.columns) > widest / names.columns.length - 4;
  const top = upright ? Math.min(LONGEST * height, Math.ceil(longest(names.columns)) + 1) + GAP : AXIS;
  const pixels = Math.min(whole(room), whole(height - top - LEGEND));
  const side = pixels / ratio;
  const x = whole(left + (room - side) / 2) / ratio;
  const edges = Float64Array.from({ length: count + 1 }, (_, i) => Math.round((i * pixels) / count) / ratio);
  return { width, height, ratio, x, y: whole(top) / ratio, side, pixels, upright, edges };
}

/** @param {number[]} ends where the names' stretches begin and end, as shares of the side */
export function drawAxes(context, { x, y, side, upright }, names, ends, grouped, theme) {
  context.font = font(theme);
  context.fillStyle = theme.text;
  context.textBaseline = "middle";
  const isWritten = (i) => grouped || i % Math.ceil((LINE * names.rows.length) / side) === 0; // some, where crowded
  names.rows.forEach((name, i) => {
    if (!isWritten(i)) return;
    const middle = y + (side * (ends[i] + ends[i + 1])) / 2;
    if (grouped) write(context, name, x - AXIS / 2, middle, "center", true);
    else write(context, fitted(context, name, x - GAP), x - GAP, middle, "right");
  });
  names.columns.forEach((name, i) => {
    if (upright && !isWritten(i)) return;
    const middle = x + (side * (ends[i] + ends[i + 1])) / 2;
    if (upright) write(context, fitted(context, name, y - GAP), middle, y - GAP, "left", true);
    else write(context, name, middle, y - AXIS / 2, "center");
  });
}

/** A closed block: its mean in colour and in words. @param {?number[]} colour null where there is no mean */
export function drawBlock(context, { x, y, width, height }, colour, text, note, theme) {
  const paper = colour ?? theme.paperRgb;
  context.fillStyle = rgbToHex(paper);
  context.fillRect(x, y, width, height);
  context.fillStyle = isLight(paper) ? DARK : LIGHT;
  context.textBaseline = "middle";
  context.font = `600 16px ${theme.font}`;
  write(context, text, x + width / 2, y + height / 2 - 8, "center");
  context.font = font(theme);
  write(context, fitted(context, note, width - GAP), x + width / 2, y + height / 2 + 11, "center");
}

/** Lines between groups, in the page's colour. @param {number[]} ends of the groups, as shares of the side */
export function drawRules(context, { x, y, side }, ends, theme) {
  context.fillStyle = theme.paper;
  for (const end of ends.slice(1, -1)) {
    context.fillRect(x + end * side - 1, y, 2, side);
    context.fillRect(x, y + end * side - 1, side, 2);
  }
}

export function drawOutline(context, { x, y, width, height }, theme) {
  for (const [lineWidth, strokeStyle] of [[5, theme.paper], [2, theme.text]]) {
    Object.assign(context, { lineWidth, strokeStyle }).strokeRect(x, y, width, height);
  }
}

/** The colour bars with their units: of the pairs, and of the diagonal where it has one. */
export function drawLegend(context, { width: whole, x, y, side }, { pairs, diagonal }, theme) {
  const room = Math.min(whole - 2 * EDGE, Math.max(side, LEGEND_ROOM));
  const left = Math.max(EDGE, Math.min(x, whole - EDGE - room));
  const under = y + side + 16;
  const width = diagonal ? 0.58 * room : room;
  drawBar(context, left, under, width, pairs, theme);
  if (context.measureText(pairs.title + BEYOND).width < width) write(context, BEYOND, left + width, under, "right");
  const greys = [0, 1].map((t) => [t, rgbToHex(diagonalGrey(t, theme))]);
  if (diagonal) drawBar(context, left + 0.64 * room, under, 0.36 * room, { ...diagonal, stops: greys }, theme);
}

function drawBar(context, x, y, width, { stops, low, high, ticks, title }, theme) {
  const gradient = context.createLinearGradient(x, 0, x + width, 0);
  for (const [share, colour] of stops) gradient.addColorStop(share, colour);
  context.font = font(theme, 11);
  context.textBaseline = "middle";
  context.fillStyle = theme.text;
  write(context, fitted(context, title, width), x, y, "left");
  context.fillStyle = gradient;
  context.fillRect(x, y + 9, width, BAR);
  context.fillStyle = theme.quiet;
  for (const [value, text] of ticks) {
    const share = (value - low) / (high - low);
    write(context, text, x + share * width, y + BAR + 19, share <= 0 ? "left" : share >= 1 ? "right" : "center");
  }
}

function isLight(rgb) {
  const [red, green, blue] = rgb.map((channel) => (channel / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18; // black and white are then equally readable
}

function write(context, text, x, y, align, upright = false) {
  context.save();
  context.translate(x, y);
  if (upright) context.rotate(-Math.PI / 2);
  context.textAlign = align;
  context.fillText(text, 0, 0);
  context.restore();
}

function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length - 1;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return `${text.slice(0, length)}…`;
}

function font(theme, size = 12) {
  return `${size}px ${theme.font}`;
}
