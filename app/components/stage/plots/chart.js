// A Plotly figure of figures.js whose arrays are swapped, redrawn a few times a second at most.

import { loadPlotly } from "./plotly.js";
import { themeTemplate } from "./theme.js";

const SHARE = 0.4; // of the browser's time that Plotly may take
const LONGEST_REST = 120; // milliseconds
const NOTED = 200; // pixels of width from which on there is room for notes in the picture
const ROOM = 280; // pixels of width that text of the usual size needs
const HIDDEN = { visible: false };
const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false };

const waiting = new Set(); // charts, the one that waits longest first
let pumping;

/** All charts of the page: whether one has still to be drawn, and "rest" when none has. */
class Charts extends EventTarget {
  get drawing() {
    return pumping !== undefined;
  }
}

export const charts = new Charts();

/** Draw one chart at a time, and leave the browser time for what moves. */
async function pump() {
  const [chart] = waiting;
  waiting.delete(chart);
  const start = performance.now();
  try {
    await chart?.draw();
  } finally {
    const rest = (performance.now() - start) * (1 / SHARE - 1);
    pumping = waiting.size ? setTimeout(pump, Math.min(rest, LONGEST_REST)) : undefined;
    if (!pumping) charts.dispatchEvent(new Event("rest"));
  }
}

export class Chart {
  /**
   * @param {HTMLElement} host sized by the page
   * @param {Object} figure Plotly's data and layout; each trace has its role in `meta`
   * @param {{plotly: string, onDraw?: () => void}} options the library's address; `onDraw` is told when the axes stand
   */
  constructor(host, figure, { plotly, onDraw = () => {} }) {
    Object.assign(this, { host, figure, plotlyPath: plotly, onDraw });
    host.role = "img";
    host.ariaLabel = figure.layout.meta.description;
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(host);
  }

  /**
   * Show other arrays, when it is this chart's turn.
   *
   * @param {() => {fill: (meta: Object) => ?Object, layout: Object}} make `fill` says what each trace has, by its
   *   `meta`, and nothing of those to hide; `layout` is what the layout has beside
   */
  show(make) {
    this.wanted = make;
    waiting.add(this);
    pumping ??= setTimeout(pump);
  }

  async draw() {
    try {
      this.library = await loadPlotly(this.plotlyPath);
    } catch {
      this.host.textContent = "The chart library did not arrive. Reload the page to try again.";
      return;
    }
    if (!this.hasRoom || !this.wanted) return; // drawn when there is room
    const { fill, layout } = this.wanted();
    const data = this.figure.data.map((trace) => merged(trace, fill(trace.meta) ?? HIDDEN));
    const style = getComputedStyle(this.host);
    const paper = style.getPropertyValue("--st-background-color");
    const wanted = Number(style.getPropertyValue("--text-scale")) || 1;
    const scale = Math.min(wanted, Math.max(0.8, this.host.clientWidth / ROOM));
    const bgcolor = /^#[0-9a-f]{6}$/i.test(paper) ? `${paper}99` : paper; // lines are seen through it
    const notes = this.host.clientWidth < NOTED * wanted ? [] : this.figure.layout.annotations;
    const annotations = notes?.map((note) => ({ ...note, bgcolor }));
    const base = { ...this.figure.layout, annotations, template: themeTemplate(this.host) };
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
   * Where the axes stand, in pixels from the host's top left, and the highest value that the vertical one shows. Before
   * the first drawing it is where the figure's margins put them, and that value is not known.
   *
   * @returns {{left: number, right: number, top: number, bottom: number, highest: ?number}}
   */
  get frame() {
    const { xaxis, yaxis } = this.host._fullLayout ?? {};
    if (!xaxis) {
      const { l, r, t, b } = this.figure.layout.margin;
      return { left: l, right: this.host.clientWidth - r, top: t, bottom: this.host.clientHeight - b, highest: null };
    }
    const { _offset: left, _length: width } = xaxis;
    const { _offset: top, _length: height } = yaxis;
    return { left, right: left + width, top, bottom: top + height, highest: yaxis.range[1] };
  }

  /** Pixels of a value, from the host's top left; null before the first drawing. */
  at(axis, value) {
    const { [axis]: plotted } = this.host._fullLayout ?? {};
    return plotted ? plotted._offset + plotted.d2p(value) : null;
  }

  /** The value at a pixel, null outside the axis. */
  valueAt(axis, pixel) {
    const { [axis]: plotted } = this.host._fullLayout ?? {};
    const along = plotted && pixel - plotted._offset;
    return plotted && along >= -8 && along <= plotted._length + 8 ? plotted.p2d(along) : null;
  }

  destroy() {
    waiting.delete(this);
    this.resizing.disconnect();
    this.library?.purge(this.host);
  }
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
