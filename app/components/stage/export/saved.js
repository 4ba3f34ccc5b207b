// A saved page opens: the stage, fed with what the page itself holds. See page.js for what that is.

import { bytesOf } from "../core/table.js";
import { heldAt } from "./page.js";
import { Stage } from "../stage.js";

const LACKS = [
  ["/embeddings/", "This page holds the full embeddings of the last epoch only."],
  ["/controls", "This page was saved without it."],
  ["", "This page does not hold it."],
];

/** What lies at "runs/<id>/…" or "pulse?…". @returns {Promise<ArrayBuffer>} or rejects with a sentence */
async function heldBytes(path) {
  const element = document.querySelector(`script[data-path="${CSS.escape(heldAt(path))}"]`);
  if (!element) throw new Error(LACKS.find(([part]) => path.includes(part))[1]);
  const packed = new Blob([bytesOf(element.textContent)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function open() {
  const told = JSON.parse(document.getElementById("told").textContent);
  const plotly = URL.createObjectURL(new Blob([await heldBytes("plotly.js")], { type: "text/javascript" }));
  const { search, sets = {} } = told.saved;
  if (!location.search) history.replaceState(null, "", `?${search}`);
  const runs = sets[new URLSearchParams(location.search).get("runs")] ?? told.runs;
  const stage = new Stage(document.querySelector(".bcl-stage"), heldBytes);
  const show = () => stage.tell({ ...told, runs, plotly });
  await show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

open();
