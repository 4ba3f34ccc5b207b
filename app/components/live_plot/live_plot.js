// Draws a Plotly figure and redraws it in place, so that the reader's view stays as the reader left it.

import { loadPlotly } from "../stage/plots/plotly.js";
import { themeTemplate } from "../stage/plots/theme.js";

const CONFIG = {
  displaylogo: false,
  showSendToCloud: false, // nothing leaves this machine
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "resetCameraLastSave3d"],
  toImageButtonOptions: { scale: 2 },
};
const NO_PLOTLY = "The chart library did not arrive. Reload the page to try again.";
const NO_WEBGL = "This view needs WebGL, which this browser does not offer. Choose a flat view or another browser.";

const plots = new WeakMap();

export default function mount({ data, parentElement }) {
  const host = parentElement.querySelector(".bcl-live-plot");
  if (!plots.has(host)) plots.set(host, new LivePlot(host));
  const plot = plots.get(host);
  plot.show(new TextDecoder().decode(data));
  // Streamlit also calls this when a newer update overtook this one: the plot then stands, and stays.
  return () => host.isConnected || plot.remove();
}

class LivePlot {
  listening = new AbortController();

  constructor(host) {
    this.host = host;
    const { signal } = this.listening;
    // An update in the middle of a drag would take the scene out of the reader's hand.
    host.addEventListener("pointerdown", () => (this.held = true), { signal });
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => this.release(), { signal });
    this.resizing = new ResizeObserver(() => host.clientWidth && host.data && this.plotly.Plots.resize(host));
    this.resizing.observe(host);
  }

  show(json) {
    const template = themeTemplate(this.host);
    const wanted = json + JSON.stringify(template);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.pending = { json, template };
    this.draw();
  }

  release() {
    this.held = false;
    this.draw();
  }

  async draw() {
    if (this.drawing) return;
    this.drawing = true;
    try {
      while (this.pending && !this.held) {
        const { json, template } = this.pending;
        this.pending = null;
        await this.react(JSON.parse(json), template);
      }
    } finally {
      this.drawing = false;
    }
  }

  async react({ data, layout }, template) {
    this.host.ariaLabel = layout.meta?.description ?? layout.title?.text ?? "Chart";
    try {
      this.plotly = await loadPlotly(this.host.dataset.plotly);
    } catch {
      return this.say(NO_PLOTLY);
    }
    if (data.some(({ type }) => /gl$|3d$/.test(type)) && !hasWebGL()) return this.say(NO_WEBGL);
    if (layout.uirevision === this.host.layout?.uirevision) this.keepCamera(layout);
    this.host.querySelector(":scope > p")?.remove();
    await this.plotly.react(this.host, data, { ...layout, template }, CONFIG);
  }

  // Plotly writes a turn or zoom of the scene into its layout late, or one step behind: ask the scene itself.
  keepCamera(layout) {
    const camera = this.host._fullLayout?.scene?._scene?.getCamera();
    if (camera && layout.scene) layout.scene.camera = camera;
  }

  say(message) {
    this.plotly?.purge(this.host);
    this.host.replaceChildren(Object.assign(document.createElement("p"), { textContent: message }));
  }

  remove() {
    this.listening.abort();
    this.resizing.disconnect();
    this.plotly?.purge(this.host); // gives its WebGL contexts back
    plots.delete(this.host);
  }
}

function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
