// Plotly's figures without their arrays: each panel fills the traces by the role in their `meta`. So colours, dashes,
// axes and words are decided here, once, and an epoch moves numbers only.

import { translucent } from "../core/colour.js";
import { batchesOf } from "../core/words.js";
import { DASH, SPACE } from "./dots.js";

const TEXT = 14; // pixels
const SMALL_TEXT = 12;
const STRIP = 72; // pixels to the right of the formation, where the current epoch's angles stand on the same axis
const DASHED = `${DASH}px,${SPACE}px`; // as the regular simplex is drawn everywhere
const [FORMATION_TOP, FORMATION_LEFT] = [52, 44]; // pixels: three lines of small print stand over the axes
const TICK_HEIGHT = 8; // pixels that the topmost number beside an axis stands over it
export const TWO_BY_TWO = 400; // pixels of width below which four panels have no room side by side
const PERCENTS = ["0.0001 %", "0.001 %", "0.01 %", "0.1 %", "1 %", "10 %", "100 %"];

/**
 * All angles between two class means over the epochs, of one run.
 *
 * Roles: "head", "medium" and "tail" are thin lines, a pair each; for many classes "range", "middle" and "median" show
 * their distribution instead; "tail–tail" is the mean over the tail in bold, "seeds" its band over seeds, "beside" the
 * same of each of `others`, whose place is in `meta`; "simplex" and "predicted" are targets.
 *
 * @param {{label: string, colour: string, dash: string}} run @param {Object[]} others like it
 * @param {{regular: number, predicted: ?Predicted, rare: string, planned: number, isBounded: boolean}} targets
 *   degrees of the regular simplex; the optimum predicted for batches of a size; what the tail is called; epochs; whether
 *   no angle can be as wide as the simplex's
 */
export function formationFigure(run, others, { regular, predicted, rare, planned, isBounded }, { groups, neutral }) {
  const { label, colour, dash } = run;
  const angle = "<br>epoch %{x}: <b>%{y:.1f}°</b><extra></extra>";
  const pair = (role, of, opacity) => line(role, of, 1, { opacity, hovertemplate: `%{text}${angle}` });
  const target = (role, of, dash, y, width = 1.5) => line(role, of, width, { dash, hoverinfo: "skip", y: [y, y] });
  const beside = (other, place) => {
    const hovertemplate = `tail–tail, ${other.label}: %{y:.1f}°<extra></extra>`;
    return line("beside", other.colour, 1.5, { dash: other.dash, opacity: 0.55, hovertemplate, place });
  };
  const data = [
    area("range", translucent(neutral, 0.16)),
    area("middle", translucent(neutral, 0.26)),
    pair("medium", neutral, 0.3),
    pair("head", groups.head, 1),
    pair("tail", groups.tail, 0.8),
    line("median", neutral, 2, { hovertemplate: "median of all pairs %{y:.1f}°" }),
    target("simplex", neutral, DASHED, regular, 1),
    ...(predicted === null ? [] : [target("predicted", colour, "dot", predicted.tail)]),
    area("seeds", translucent(colour, 0.2)),
    ...others.map(beside),
    line("tail–tail", colour, 3.5, { dash, hovertemplate: `tail–tail, ${label}${angle}` }),
  ];
  const layout = layoutOf("formation", `Angles between class means over the epochs, ${label}`, {
    xaxis: epochs(planned),
    yaxis: { title: { text: "angle (°)" }, dtick: 30, range: [0, 120] },
    margin: { t: FORMATION_TOP, r: STRIP, l: FORMATION_LEFT },
  });
  return { data, layout: { ...layout, annotations: [overAxes(targetsInWords(regular, predicted, rare, isBounded))] } };
}

/** Above the axes, where they cover no line. */
function targetsInWords(regular, predicted, rare, isBounded) {
  const angle = `${regular.toFixed(1)}°${isBounded ? ", out of reach" : ""}`;
  if (predicted === null) return `regular simplex ${angle}`;
  const { tail } = predicted;
  const isSame = tail.toFixed(1) === regular.toFixed(1);
  const batches = batchesOf(predicted).replace(", ", ",<br>");
  if (isSame) return `regular simplex and ${rare} predicted ${angle}<br>for ${batches}`;
  return `regular simplex ${angle}<br>${rare} predicted ${tail.toFixed(1)}° for ${batches}`;
}

/** Of the runs' dots, a run each: they differ without their colours too. */
export const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x"];
const CHARACTER = 7; // pixels of an axis title's, about

/** A title along an axis of so many pixels, in lines that fit. */
export function wrapped(text, pixels) {
  const most = Math.max(12, Math.floor((0.85 * pixels) / CHARACTER));
  return linesOf(text, (line) => line.length <= most).join("<br>");
}

/** A text in lines that fit, as far as their words do. @param {(line: string) => boolean} fits */
export function linesOf(text, fits) {
  const lines = [];
  for (const word of text.trim().split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Test accuracy of each class, a row each: "accuracy" of each run, whose place is in the trace's `meta`. */
export function accuracyFigure(runs) {
  const data = runs.map(({ label, colour }, place) => {
    const marker = { color: colour, symbol: SYMBOLS[place % SYMBOLS.length], size: 9 };
    return dots("accuracy", marker, `${label}: <b>%{x:.1%}</b><br>class %{y}<extra></extra>`, place);
  });
  const layout = layoutOf("accuracy", "Test accuracy of each class at the epoch that is shown", {
    xaxis: { title: { text: "test accuracy" }, range: [-0.03, 1.03], tickformat: ".0%" },
    yaxis: { type: "category", categoryorder: "array", automargin: true, dtick: 1 },
    margin: { t: 8, r: 12, l: 40 },
  });
  return { data, layout };
}

/** One metric over the epochs: "band", "line" and "floor" of each run, whose place is in the trace's `meta`. */
export function curveFigure(runs, planned) {
  const data = runs.flatMap(({ label, colour, dash }, place) => [
    area("band", translucent(colour, 0.18), place),
    line("line", colour, 2.5, { dash, place, hovertemplate: `${label}: <b>%{y}</b>` }),
    line("floor", colour, 1.5, { dash: "dot", place, hoverinfo: "skip" }),
  ]);
  const layout = layoutOf("curve", "A metric over the epochs", {
    xaxis: epochs(planned),
    hovermode: "x unified",
    margin: { t: 8, r: 16 },
  });
  return { data, layout };
}

/**
 * How hard a class is pushed by each other one, against the other's training count: "measured" has a dot a pair,
 * "counts" a line for each pushed class, of what the counts alone would do, "fit" the slope, through the dots' middle.
 */
export function pushFigure({ label, colour, dash }, { neutral }) {
  const data = [
    line("counts", neutral, 1, { opacity: 0.5, hoverinfo: "skip" }),
    dots("measured", { size: 7 }, "%{text}<extra></extra>"),
    line("fit", colour, 3, { dash, hoverinfo: "skip" }),
  ];
  const layout = layoutOf("push", `Push against the counterpart's training count, ${label}`, {
    xaxis: { type: "log", title: { text: "training images of the counterpart" }, ...ticksOf(1, 2, 5) },
    yaxis: {
      type: "log",
      title: { text: "share of all push", standoff: 4 },
      tickvals: PERCENTS.map((_, i) => Number(`1e${i - 6}`)),
      ticktext: PERCENTS,
    },
    margin: { t: 8, r: 12, l: 58 },
  });
  return { data, layout };
}

/** Ticks of a logarithmic axis of counts, at these digits in every power of ten. */
export function ticksOf(...digits) {
  const counts = PERCENTS.slice(1).flatMap((_, power) => digits.map((digit) => digit * 10 ** power));
  return { tickvals: counts, ticktext: counts.map((count) => count.toLocaleString("en")) };
}

/** What an image of each class feels on average: "pull" down, and push up, stacked by who pushes. */
export function receivedFigure({ label }, { groups, neutral }) {
  const pushes = Object.entries(groups).map(([group, colour]) => bar(group, `push by the ${group}`, colour));
  const layout = layoutOf("received", `Pull and push that each class receives, ${label}`, {
    xaxis: { title: { text: "class" }, type: "category", showgrid: false },
    yaxis: { title: { text: "length of the gradient" }, zeroline: true, tickformat: "~g" },
    barmode: "relative",
    bargap: 0.25,
    margin: { t: 8, r: 12, l: 58 },
  });
  return { data: [bar("pull", "pull of the own class", neutral, "/"), ...pushes], layout };
}

/**
 * What the keys of one anchor's denominator weigh, a panel for each of these titles and a place on its axis a class:
 * "member" has a dot a view, "prototype" a diamond and "total" a dash a class; which panel is in the trace's `meta`.
 */
export function batchFigure({ label }, titles) {
  const looks = {
    total: { symbol: "line-ew-open", line: { width: 2.5 }, opacity: 1 },
    member: { size: 6, opacity: 0.6, line: { width: 1.5 } },
    prototype: { symbol: "diamond", size: 9, opacity: 1 },
  };
  const data = titles.flatMap((title, corner) => {
    const axes = { xaxis: `x${place(corner)}`, yaxis: `y${row(corner)}` };
    const hover = (role) => `${title}<br>class %{x}, ${role}: <b>%{y:.2~g}</b><extra></extra>`;
    const trace = (role) => ({ ...dots(role, looks[role], hover(role)), ...axes, meta: { role, corner } });
    return Object.keys(looks).map(trace);
  });
  const layout = layoutOf("batch", `What each member of a batch weighs for one anchor, ${label}`, {
    margin: { t: 22, r: 8, l: 62, b: 28 },
  });
  const { xaxis, yaxis, ...rest } = layout;
  const classes = { ...xaxis, type: "category", categoryorder: "array" };
  const axes = titles.map((_, corner) => [`xaxis${place(corner)}`, { ...classes, anchor: `y${row(corner)}` }]);
  const both = { ...yaxis, type: "log" };
  const annotations = titles.map((text, corner) => {
    const above = { xref: `x${place(corner)} domain`, yref: `y${row(corner)} domain`, x: 0.5, y: 1, yanchor: "bottom" };
    return { text, ...above, showarrow: false, font: { size: SMALL_TEXT + 1 } };
  });
  const yaxes = { yaxis: both, ...(titles.length > 2 && { yaxis2: { ...both, matches: "y" } }) };
  return { data, layout: { ...rest, ...Object.fromEntries(axes), ...yaxes, annotations } };
}

/** How Plotly counts the axes of four panels, of which two share one of two vertical axes. */
const place = (corner) => (corner ? corner + 1 : "");
const row = (corner) => (corner < 2 ? "" : 2);

/**
 * Where the panels of `batchFigure` stand: side by side, or two by two where there is no room.
 *
 * @param {{panels: number, ticks: Object, range: number[], absent: number[], title: string, asShare: boolean}} shown how
 *   many panels, the classes' axis, powers of ten at both ends of the other, and places of classes that are shaded
 */
export function panelsOf(width, { panels, ticks, range, absent, title, asShare }) {
  const isNarrow = width < TWO_BY_TWO;
  const gap = isNarrow ? 0.06 : 0.02;
  const columns = isNarrow ? 2 : panels;
  const isStacked = panels > columns;
  const wide = (1 - gap * (columns - 1)) / columns;
  const axes = Array.from({ length: panels }, (_, corner) => {
    const from = (corner % columns) * (wide + gap);
    const showticklabels = !isStacked || corner >= columns;
    return [`xaxis${place(corner)}`, { ...ticks, domain: [from, from + wide], showticklabels }];
  });
  const percents = { tickvals: PERCENTS.map((_, i) => Number(`1e${i - 6}`)), ticktext: PERCENTS };
  const y = { range, title: { text: isNarrow ? "" : title, standoff: 4 }, ...(asShare ? percents : { dtick: 1 }) };
  const shapes = axes.flatMap((_, corner) =>
    absent.map((at) => ({
      ...{ type: "rect", xref: `x${place(corner)}`, yref: `y${row(corner)} domain` },
      ...{ x0: at - 0.5, x1: at + 0.5, y0: 0, y1: 1, line: { width: 0 }, fillcolor: "rgba(128,128,128,0.2)" },
    })),
  );
  const second = { ...y, title: { text: "" }, showticklabels: isStacked, anchor: "x3", domain: [0, isStacked ? 0.44 : 1] };
  const yaxes = { yaxis: { ...y, domain: [isStacked ? 0.56 : 0, 1] }, ...(panels > 2 && { yaxis2: second }) };
  return { ...Object.fromEntries(axes), ...yaxes, shapes };
}

/** As app/figures/frame.py has it: no colour of text, grid or background, which are the reader's theme's. */
function layoutOf(kind, description, { xaxis = {}, yaxis = {}, margin, ...layout }) {
  const axis = ({ title, ...settings }) => ({
    title: { font: { size: TEXT }, standoff: 8, ...title },
    tickfont: { size: SMALL_TEXT + 1 },
    zeroline: false,
    fixedrange: true,
    ...settings,
  });
  return {
    uirevision: kind, // while it stays the same, hidden traces outlive an update
    meta: { description },
    font: { size: TEXT },
    margin: { l: 56, r: 12, t: 12, b: 48, ...margin },
    hoverlabel: { font: { size: TEXT }, align: "left" },
    xaxis: axis(xaxis),
    yaxis: axis(yaxis),
    dragmode: false,
    hovermode: "closest",
    showlegend: false,
    ...layout,
  };
}

function epochs(planned) {
  return { title: { text: "epoch" }, range: [0, planned], tickformat: "d" };
}

function line(role, color, width, { dash = "solid", place, ...more }) {
  const look = { type: "scatter", mode: "lines", line: { color, width, dash } };
  return { meta: { role, place }, ...look, showlegend: false, connectgaps: false, ...more };
}

function area(role, fillcolor, place) {
  const look = { type: "scatter", mode: "lines", line: { width: 0 }, fill: "toself", fillcolor };
  return { meta: { role, place }, ...look, hoverinfo: "skip", showlegend: false };
}

function dots(role, marker, hovertemplate, place) {
  const look = { type: "scatter", mode: "markers", marker: { opacity: 0.85, line: { width: 0 }, ...marker } };
  return { meta: { role, place }, ...look, hovertemplate, showlegend: false };
}

function bar(role, name, color, shape = "") {
  return {
    type: "bar",
    meta: { role },
    name,
    marker: { color, line: { width: 0 }, pattern: { shape, size: 5, solidity: 0.3 } },
    hovertemplate: `%{x}<br>${name}: <b>%{customdata:.3f}</b><extra></extra>`,
    showlegend: false,
  };
}

function overAxes(text) {
  const across = { xref: "x domain", x: 0, xanchor: "left", xshift: -FORMATION_LEFT };
  const up = { yref: "y domain", y: 1, yanchor: "bottom", yshift: TICK_HEIGHT };
  return { text, ...across, ...up, showarrow: false, font: { size: SMALL_TEXT - 1 } };
}
