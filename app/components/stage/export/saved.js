// A saved page opens: the stage, fed with what the page itself holds. See page.js for what that is.

import { heldAt } from "./page.js";
import { Stage } from "../stage.js";

const NO_EMBEDDINGS = "This page holds the full embeddings of the last epoch only.";
const NO_CONTROLS = "This page was saved without it.";
const NOTHING = "This page does not hold it.";
const LACKS = [["/embeddings/", NO_EMBEDDINGS], ["/controls", NO_CONTROLS]];

/** What lies at "runs/<id>/…" or "pulse?…". @returns {Promise<ArrayBuffer>} or rejects with a sentence */
async function heldBytes(path) {
  const element = document.querySelector(`script[data-path="${CSS.escape(heldAt(path))}"]`);
  if (!element) throw new Error(LACKS.find(([part]) => path.includes(part))?.[1] ?? NOTHING);
  const bytes = Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function open() {
  const told = JSON.parse(document.getElementById("told").textContent);
  const library = new Blob([await heldBytes("plotly.js")], { type: "text/javascript" });
  if (!location.search) history.replaceState(null, "", `?${told.saved.search}`);
  const stage = new Stage(document.querySelector(".bcl-stage"), heldBytes);
  await stage.tell({ ...told, plotly: URL.createObjectURL(library) });
}

open();
