// The stage as one HTML file: its script, its data and Plotly.js, in a page that asks nobody for anything.

import { escaped, runInWords, scriptJson, scriptText, versionsOf } from "./words.js";
import { historyAt, spanAfter } from "../core/table.js";

const AT_ONCE = 6; // requests
const THEME = [
  ...["background-color", "secondary-background-color", "text-color", "gray-text-color", "gray-color", "border-color"],
  ...["border-color-light", "primary-color", "red-color", "base-radius", "font"],
]; // Streamlit's custom properties that the stage reads
// Nothing may be fetched: a page that did would not open elsewhere as it does here.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:";
const PAGE_CSS = `
  [hidden] { display: none !important; }
  body { margin: 0; background: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font); }
  main { max-width: 1600px; margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 0; }
  h1 { font-size: 1.6rem; }
  footer { padding: 1.5rem 0; color: var(--st-gray-text-color); font-size: 0.85rem; line-height: 1.5; }
  footer dt { color: var(--st-text-color); font-weight: 600; }
  footer dd { margin: 0 0 0.5rem; }`;

/** Gather what the stage and its routes have. @param {(share: number) => void} onProgress how much is here, 0 to 1 */
export async function savedPage(stage, onProgress) {
  const { told, store, host } = stage;
  const textOf = async (name) => (await answerAt(`${told.components}/${name}`)).text();
  const [script, css] = await Promise.all(["saved.js", "stage.css"].map(textOf));
  const sisters = store.runs.flatMap(({ about }) => about?.siblings ?? []).flatMap((id) => store.known.get(id) ?? []);
  const all = [...new Set([...store.runs, ...sisters])].filter(({ rev }) => rev !== null);
  const histories = all.flatMap(({ told: { id }, epochs, rev }) => {
    const span = spanAfter(epochs, -1);
    return span ? `runs/${id}/${historyAt(rev, span)}` : [];
  });
  const paths = [...store.runs.flatMap(pathsOf), ...histories];
  const { files, missing } = await gathered(store.fetchBytes, paths, onProgress);
  const hold = async (path, value) => files.set(path, await packed(new TextEncoder().encode(JSON.stringify(value))));
  // Where a run was when the page was saved: there it goes no further.
  const pulseOf = ({ pulse, active, state }) => ({ ...pulse, state: active ? "stopped" : state, rows: [] });
  await hold("pulse", { runs: Object.fromEntries(all.map((run) => [run.told.id, pulseOf(run)])) });
  for (const { told: { id }, about } of store.runs) if (about) await hold(`runs/${id}/about`, about);
  files.set("plotly.js", await packed(await (await answerAt(told.plotly)).blob()));
  const style = getComputedStyle(host);
  const theme = THEME.map((name) => [`--st-${name}`, style.getPropertyValue(`--st-${name}`).trim()]);
  const dark = style.getPropertyValue("color-scheme").includes("dark");
  const runs = store.runs.map((run) => ({ ...store.words(run), epochs: run.epochs }));
  const shown = store.runs.map((run) => run.told); // controls are in their runs' places
  const saved = { ...told, origin: null, runs: shown, saved: { search: stage.search } }; // nobody reads where we are
  return new Blob(pageOf({ told: saved, runs, files, missing, date: new Date(), script, css, theme, dark }));
}

/** Write the page, in parts to be joined; `files` are gzip in base64 by path, `missing` paths with the reason. */
export function pageOf({ told, runs, script, css, theme, dark, files, missing, date }) {
  const labels = told.runs.map(({ label }) => label).join(" · ");
  const groups = [...new Set(runs.flatMap(({ group }) => group ?? []))].filter((group) => !labels.includes(group));
  const title = escaped(groups.length ? `${labels} (${groups.join(", ")})` : labels);
  const variables = theme.map(([name, value]) => `${name}: ${value};`).join(" ");
  return [
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n`,
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">\n`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${title}</title>\n`,
    `<style>:root { color-scheme: ${dark ? "dark" : "light"}; ${variables} }${PAGE_CSS}\n${css}</style>\n`,
    `</head>\n<body>\n<main>\n<h1>${title}</h1>\n`,
    `<div class="bcl-stage" role="region" aria-label="Stage"><p>Opening the runs …</p></div>\n`,
    `<noscript>This page draws with JavaScript, which this browser does not run.</noscript>\n`,
    `${footer(runs, missing, date)}\n</main>\n`,
    `<script type="application/json" id="told">${scriptJson(told)}</script>\n`,
    ...Array.from(files, ([path, text]) => `<script type="text/plain" data-path="${escaped(path)}">${text}</script>\n`),
    `<script type="module">\n${scriptText(script)}</script>\n</body>\n</html>\n`,
  ];
}

function footer(runs, missing, date) {
  const items = runs.map((run) => {
    const { label, epochs } = run;
    const range = epochs.length ? `${epochs.length} epochs kept, ${epochs[0]} to ${epochs.at(-1)}` : "no epoch";
    const lines = [runInWords(run), range, versionsOf(run)].filter(Boolean);
    return `<dt>${escaped(label)}</dt><dd>${lines.map(escaped).join("<br>")}</dd>`;
  });
  const lacks = missing.map(([path, why]) => `<li>${escaped(path)}: ${escaped(why)}</li>`).join("");
  return [
    `<footer><p>Saved from BCL Lab on ${date.toISOString().slice(0, 10)}. This file holds everything that it shows `,
    "and asks no server for anything. Of the full embeddings, which the nearest neighbours and ",
    `the shuffled control need, it holds those of each run's last epoch only. `,
    `Charts are drawn by Plotly.js.</p><dl>${items.join("")}</dl>`,
    `${lacks && `<p>What could not be saved:</p><ul>${lacks}</ul>`}</footer>`,
  ].join("");
}

/** Where a page holds an answer: it has one of a kind, whatever was asked for. */
export function heldAt(path) {
  return path.split("?")[0];
}

/** What a run has that the stage may ask for, other than its curves. */
function pathsOf({ told: { id }, classes, epochs, rev }) {
  if (!classes || !epochs.length) return [];
  const files = ["samples", "sprite.png", ...(classes.predicted ? ["predicted"] : [])].map((name) => `${name}/${rev}`);
  const views = epochs.map((epoch) => `view/${rev}/${epoch}`);
  return [...files, `embeddings/${rev}/${epochs.at(-1)}`, ...views].map((file) => `runs/${id}/${file}`);
}

async function gathered(fetchBytes, paths, onProgress) {
  const [files, missing, waiting] = [new Map(), [], [...paths]];
  const worker = async () => {
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      try {
        files.set(heldAt(path), await packed(await fetchBytes(path)));
      } catch (error) {
        missing.push([path, error.message]);
      }
      onProgress((files.size + missing.length) / paths.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { files, missing };
}

async function packed(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  const reader = new FileReader(); // reads as base64 faster than btoa writes it
  const read = new Promise((resolve) => reader.addEventListener("loadend", resolve));
  reader.readAsDataURL(await new Response(stream).blob());
  await read;
  return reader.result.slice(reader.result.indexOf(",") + 1);
}

async function answerAt(path) {
  const answer = await fetch(new URL(path, document.baseURI));
  if (!answer.ok) throw new Error("The app has changed since this page was opened. Reload it and save again.");
  return answer;
}
