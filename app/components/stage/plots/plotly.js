// Plotly.js, which draws what has axes; loaded once, when it is first wanted.

let loading;

/** Load Plotly.js from an address relative to the page, once. */
export function loadPlotly(path) {
  loading ??= import(new URL(path, document.baseURI).href).then(() => window.Plotly);
  loading.catch(() => (loading = undefined));
  return loading;
}
