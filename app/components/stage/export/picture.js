// A lens as one picture: its runs side by side as on the page, and below them how to make it again.

import { Chart } from "../plots/chart.js";
import { runInWords } from "./words.js";
import { linesOf } from "../plots/figures.js";
import { themeOf } from "../plots/surface.js";
import { SvgContext } from "./svg.js";

const MARGIN = 24; // pixels
const TITLE = { weight: 600, size: 20, line: 32 };
const CAPTION = { weight: 400, size: 13, line: 19 };
const SHARP = 2; // device pixels per pixel of a PNG
const WRITTEN =
  ".column > header .name, .column > header .note, .content :is(.summary, .note), .chart > .title, .sign > span, " +
  ".message:not([hidden])";

/** Draw a lens as it stands. @returns {Promise<{svg: string, width: number, height: number}>} pixels */
export async function pictureOf(stage, lens) {
  const { paper, text: ink } = themeOf(stage.host);
  const family = getComputedStyle(stage.host).fontFamily;
  const body = lens.body.getBoundingClientRect();
  const parts = partsOf(lens);
  const top = Math.min(...parts.map(({ box }) => box.top));
  const bottom = Math.max(...parts.map(({ box }) => box.bottom));
  const width = body.width + 2 * MARGIN;
  const sheet = new SvgContext(widthOf);
  const title = `${lens.title}, epoch ${stage.at.epoch}`;
  let y = paragraph(sheet, title, { x: MARGIN, y: MARGIN, width: body.width, ...TITLE, family, colour: ink });
  const [left, down] = [MARGIN - body.left, y + MARGIN / 2 - top];
  for (const { box, draw } of parts) await draw(sheet, box.left + left, box.top + down, paper);
  y = bottom + down + MARGIN;
  for (const text of caption(stage, lens)) {
    y = paragraph(sheet, text, { x: MARGIN, y, width: body.width, ...CAPTION, family, colour: ink }) + 2;
  }
  const height = y + MARGIN;
  return { svg: sheet.text(width, height, paper, title), width, height };
}

export async function pngOf({ svg, width, height }) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = Object.assign(new Image(), { src: url });
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: SHARP * width, height: SHARP * height });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

function caption(stage, lens) {
  const chosen = [...lens.body.querySelectorAll(".controls input:checked, .menu option:checked")];
  const keys = [...lens.body.querySelectorAll(".key")].map(wordsOf);
  const of = { angles: stage.state.of, curves: "curves" }[lens.key];
  const runs = stage.runs.map((run) => `${runInWords(stage.store.words(run), of)} · epoch ${stage.look(run).epoch ?? "–"}`);
  const shown = chosen.filter((control) => !control.closest("[hidden], .which")).map(inWords).join("; ");
  return [...(shown ? [`Shown: ${shown}.`] : []), ...keys.filter(Boolean), ...runs];
}

/** A text without what its terms mean. */
function wordsOf(element) {
  const copy = element.cloneNode(true);
  for (const meaning of copy.querySelectorAll(".meaning")) meaning.remove();
  return copy.textContent.trim();
}

/** A chosen control, by its own words and those of its group. */
function inWords(control) {
  const group = control.closest("fieldset")?.querySelector("legend").textContent ?? "";
  return `${group} ${control.closest("option, label").textContent.trim()}`.trim();
}

/** What of a lens is drawn, each with its box on the page and how to draw it. */
function partsOf(lens) {
  const pictures = lens.pictures.map(pictured);
  const texts = [...lens.body.querySelectorAll(WRITTEN)].map(written);
  const swatches = [...lens.body.querySelectorAll(":is(.column > header, .sign) svg")].map(copied);
  const parts = [...pictures, ...texts, ...swatches].filter(Boolean);
  const boxed = parts.map((part) => ({ ...part, box: part.element.getBoundingClientRect() }));
  return boxed.filter(({ element, box }) => box.width && element.checkVisibility({ visibilityProperty: true }));
}

/** A chart that has been drawn, or a picture that draws on any context, cut off at the edges of its element. */
function pictured(picture) {
  const element = picture.host ?? picture.content;
  const { clientWidth: width, clientHeight: height } = element;
  const drawChart = async (sheet, x, y) => {
    const svg = await picture.library.toImage(element, { format: "svg", width, height, imageDataOnly: true });
    sheet.insert(svg.slice(svg.indexOf("<svg")), x, y);
  };
  const draw = (sheet, x, y, paper) => {
    const context = new SvgContext(widthOf);
    picture.drawOn(context);
    const background = picture.content ? "none" : paper; // it lies over a chart
    sheet.insert(context.text(width, height, background, element.ariaLabel ?? ""), x, y);
  };
  if (!(picture instanceof Chart)) return { element, draw };
  return element.data ? { element, draw: drawChart } : null;
}

function written(element) {
  const { fontSize, fontWeight: weight, fontFamily: family, color: colour, lineHeight } = getComputedStyle(element);
  const size = parseFloat(fontSize);
  const line = parseFloat(lineHeight) || 1.4 * size;
  const draw = (sheet, x, y) => {
    const width = Math.max(element.clientWidth, element.getBoundingClientRect().width) + 2;
    paragraph(sheet, element.textContent, { x, y, width, weight, size, line, family, colour });
  };
  return element.textContent.trim() ? { element, draw } : null;
}

function copied(element) {
  const copy = element.cloneNode(true);
  copy.style.color = getComputedStyle(element).color; // of whatever takes the text's
  return { element, draw: (sheet, x, y) => sheet.insert(new XMLSerializer().serializeToString(copy), x, y) };
}

/** Write a text in lines no wider than `width`. @returns {number} where the next one may begin */
function paragraph(context, text, { x, y, width, weight, size, line, family, colour }) {
  const font = `${weight} ${size}px ${family}`;
  Object.assign(context, { font, fillStyle: colour, textBaseline: "middle", textAlign: "left" });
  const lines = linesOf(text, (words) => context.measureText(words).width <= width);
  lines.forEach((words, i) => context.fillText(words, x, y + (i + 0.5) * line));
  return y + lines.length * line;
}

const measuring = new OffscreenCanvas(1, 1).getContext("2d");

function widthOf(text, font) {
  measuring.font = font;
  return measuring.measureText(text).width;
}
