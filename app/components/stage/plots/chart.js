// A Plotly figure of figures.js whose arrays are swapped, redrawn a few times a second at most.

import { linesOf } from "./figures.js";
import { themeOf } from "./surface.js";

const SHARE = 0.4; // of the browser's time that Plotly may take
const LONGEST_REST = 120; // milliseconds
const NOTED = 200; // pixels of width from which on there is room for notes in the picture
const ROOM = 280; // pixels of width that text of the usual size needs
const HIDDEN = { visible: false };
const NOTE_EDGE = 6; // pixels beside a note's text
const LINE_HEIGHT = 1.3; // of a note, by its font's size, as Plotly sets lines
const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false };

const CLEAR = "rgba(0,0,0,0)";

/** All charts of the page: whether one has still to be drawn, and "rest" when none has. */
export const charts = Object.assign(new EventTarget(), { drawing: false });

const waiting = new Set(); // charts, the one that waits longest first
let loading; // Plotly.js, once it is first wanted

/** Draw one chart at a time, and leave the browser time for what moves. */
async function pump() {
  const [chart] = waiting;
  waiting.delete(chart);
  const start = performance.now();
  try {
    await chart?.draw();
  } finally {
    const rest = (performance.now() - start) * (1 / SHARE - 1);
    charts.drawing = waiting.size > 0;
    if (charts.drawing) setTimeout(pump, Math.min(rest, LONGEST_REST));
    else charts.dispatchEvent(new Event("rest"));
  }
}

export class Chart {
  /**
   * @param {Object} figure Plotly's data and layout; each trace has its role in `meta`
   * @param {{plotly: string}} told the library's address @param {() => void} onDraw is called when the axes stand
   */
  constructor(host, figure, { plotly }, onDraw = () => {}) {
    Object.assign(this, { host, figure, plotlyPath: plotly, onDraw });
    host.role = "img";
    host.ariaLabel = figure.layout.meta.description;
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(host);
  }

  /**
   * Show other arrays, when it is this chart's turn.
   *
   * @param {() => {fill: (meta: Object) => ?Object, layout: Object}} make what each trace has, by its `meta`, nothing
   *   for those to hide; and what the layout has beside
   */
  show(make) {
    this.wanted = make;
    waiting.add(this);
    if (!charts.drawing) setTimeout(pump);
    charts.drawing = true;
  }

  async draw() {
    try {
      await (loading ??= import(new URL(this.plotlyPath, document.baseURI).href));
    } catch {
      loading = undefined;
      this.host.textContent = "The chart library did not arrive. Reload the page to try again.";
      return;
    }
    this.library = window.Plotly;
    if (!this.hasRoom || !this.wanted) return; // drawn when there is room
    const { fill, layout } = this.wanted();
    const data = this.figure.data.map((trace) => merged(trace, fill(trace.meta) ?? HIDDEN));
    const theme = themeOf(this.host);
    const wanted = Number(getComputedStyle(this.host).getPropertyValue("--text-scale")) || 1;
    const scale = Math.min(wanted, Math.max(0.8, this.host.clientWidth / ROOM));
    const notes = this.host.clientWidth < NOTED * wanted ? [] : this.figure.layout.annotations;
    const room = this.host.clientWidth - NOTE_EDGE;
    const fits = ({ size }) => {
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = `${scale * size}px ${theme.font}`;
      return (line) => pen.measureText(line).width <= room;
    };
    const inLines = ({ text, font }) => text.split("<br>").flatMap((line) => linesOf(line, fits(font)));
    const annotations = notes?.map((note) => ({ ...note, align: "left", text: inLines(note).join("<br>") }));
    const heightOf = (note) => inLines(note).length * LINE_HEIGHT * scale * note.font.size + (note.yshift ?? 0);
    const { margin } = this.figure.layout;
    const over = { ...margin, t: Math.max(margin.t, ...(notes ?? []).map(heightOf)) }; // notes stand over the axes
    const base = { ...this.figure.layout, annotations, margin: over, template: templateOf(theme) };
    const listens = this.host.on !== undefined;
    // Without waiting: a resize breaks its promise.
    this.library.react(this.host, data, enlarged(merged(base, layout), scale), CONFIG);
    if (!listens) this.host.on("plotly_afterplot", this.onDraw);
    this.onDraw();
  }

  /** Whether the axes have a length: Plotly draws at infinity where they have none. */
  get hasRoom() {
    const { l, r, t, b } = this.figure.layout.margin;
    return this.host.clientWidth > l + r && this.host.clientHeight > t + b;
  }

  resize() {
    if (!this.hasRoom) return;
    if (!this.host.data) return this.wanted && this.show(this.wanted);
    this.library.Plots.resize(this.host);
  }

  retheme() {
    if (this.wanted) this.show(this.wanted);
  }

  /**
   * Where the axes stand, in pixels from the host's top left, and the highest value that the vertical one shows: null
   * before the first drawing, when the figure's margins say where they will stand.
   */
  get frame() {
    const { xaxis, yaxis } = this.host._fullLayout ?? {};
    if (!xaxis) {
      const { r, t, b } = this.figure.layout.margin;
      return { right: this.host.clientWidth - r, top: t, bottom: this.host.clientHeight - b, highest: null };
    }
    const { _offset: top, _length: height } = yaxis;
    return { right: xaxis._offset + xaxis._length, top, bottom: top + height, highest: yaxis.range[1] };
  }

  /** Where a value of the horizontal axis is, in pixels from the host's left; null before the first drawing. */
  at(value) {
    const { xaxis } = this.host._fullLayout ?? {};
    return xaxis ? xaxis._offset + xaxis.d2p(value) : null;
  }

  /** The value of the horizontal axis at a pixel, null outside it. */
  valueAt(pixel) {
    const { xaxis } = this.host._fullLayout ?? {};
    const along = xaxis && pixel - xaxis._offset;
    return xaxis && along >= -8 && along <= xaxis._length + 8 ? xaxis.p2d(along) : null;
  }

  destroy() {
    waiting.delete(this);
    this.resizing.disconnect();
    this.library?.purge(this.host);
  }
}

/** Streamlit's theme, for figures that come without colours of text, grid or background. */
function templateOf({ line, faint, raised, text: color, font: family }) {
  const lines = { gridcolor: faint, linecolor: line, tickcolor: line, zerolinecolor: line };
  const axis = { ...lines, spikecolor: line, spikethickness: 1, spikedash: "solid", automargin: true };
  const font = { family, color };
  const hoverlabel = { bgcolor: raised, bordercolor: line, font };
  return { layout: { paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, font, hoverlabel, xaxis: axis, yaxis: axis } };
}

/** The layout with every font of this many times its size: pictures are read from afar, too. */
function enlarged(object, scale) {
  if (scale === 1 || object === null || typeof object !== "object") return object;
  if (Array.isArray(object)) return object.map((part) => enlarged(part, scale));
  const part = (name, value) =>
    /^(tick)?font$/.test(name) && value.size ? { ...value, size: scale * value.size } : enlarged(value, scale);
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, part(name, value)]));
}

function merged(object, changes) {
  const result = { ...object };
  for (const [name, value] of Object.entries(changes ?? {})) {
    const nested = value && Object.getPrototypeOf(value) === Object.prototype;
    result[name] = nested ? merged(object[name], value) : value;
  }
  return result;
}
