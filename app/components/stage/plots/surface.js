// What a picture stands on: canvases as sharp as the screen, the theme's colours, one frame at a time, and a voice.

import { sharpContext } from "./pen.js";

const LAYERS = 3;
const UNSEEN = "position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%)";

/** A picture on stacked canvases, which its `paint()` draws. Sizes are CSS pixels; contexts are scaled accordingly. */
export class Surface {
  width = 0;
  height = 0;
  ratio = 0;
  listening = new AbortController();

  /**
   * @param {HTMLElement} host sized by the page; becomes focusable
   * @param {string} label names the picture to those who listen @param {string} help names its keys
   */
  constructor(host, label, help) {
    this.host = host;
    host.tabIndex = 0;
    host.role = "application"; // arrow keys belong to the picture, not to a screen reader's cursor
    host.setAttribute("aria-label", label);
    host.setAttribute("aria-description", help);
    Object.assign(host.style, { position: "relative", overflow: "hidden", userSelect: "none", outline: "none" });
    host.style.outlineOffset = "-2px"; // within the host, which a panel may clip
    this.canvases = Array.from({ length: LAYERS }, () => host.appendChild(canvasOf()));
    this.voice = host.appendChild(document.createElement("p"));
    this.voice.style.cssText = UNSEEN;
    this.voice.ariaLive = "polite";
    this.listen("focus", () => {
      if (host.matches(":focus-visible")) host.style.outline = `2px solid ${this.theme.accent}`;
    });
    this.listen("blur", () => (host.style.outline = "none"));
    this.retheme();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
  }

  listen(type, handler, options) {
    this.host.addEventListener(type, handler, { ...options, signal: this.listening.signal });
  }

  retheme() {
    this.theme = themeOf(this.host);
    this.invalidate();
  }

  /** Follow the host's size and the screen's resolution. A resized canvas is blank, so it is drawn on at once. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === this.width && height === this.height && devicePixelRatio === this.ratio) return;
    Object.assign(this, { width, height, ratio: devicePixelRatio });
    const size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
    for (const canvas of this.canvases) Object.assign(canvas, size);
    this.draw();
  }

  /** Put another canvas in a layer's place: one that had a context of the graphics card never gets another. */
  renew(layer) {
    const { width, height } = this.canvases[layer];
    const canvas = Object.assign(canvasOf(), { width, height });
    this.canvases[layer].replaceWith(canvas);
    return (this.canvases[layer] = canvas);
  }

  /** The cleared 2D context of a layer, in CSS pixels. */
  clear(layer) {
    return sharpContext(this.canvases[layer], this.width, this.height);
  }

  invalidate() {
    this.waiting ??= requestAnimationFrame(() => this.draw());
  }

  /** Draw at once; what invalidates draws at most once a frame, and never while there is no room. */
  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = undefined;
    if (this.ratio && this.ratio !== devicePixelRatio) return this.resize();
    if (this.width && this.height) this.paint();
  }

  /** Tell those who listen. */
  say(text) {
    this.voice.textContent = text;
  }

  destroy() {
    cancelAnimationFrame(this.waiting);
    this.listening.abort();
    this.observer.disconnect();
    for (const element of [...this.canvases, this.voice]) element.remove();
  }
}

function canvasOf() {
  const canvas = document.createElement("canvas");
  canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%;pointer-events:none";
  canvas.ariaHidden = "true";
  return canvas;
}

/** The theme's colours and font, as an element sees them. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const colour = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const theme = {
    paper: colour("background-color", "#FFFFFF"),
    text: colour("text-color", style.color),
    quiet: colour("gray-text-color", style.color),
    line: colour("border-color", "#858B96"),
    faint: colour("border-color-light", "#858B96"),
    raised: colour("secondary-background-color", "#FFFFFF"),
    accent: colour("primary-color", "#1E6FD9"),
    font: colour("font", style.fontFamily),
  };
  return { ...theme, paperRgb: rgbOf(theme.paper), textRgb: rgbOf(theme.text) };
}

// Any CSS colour as [red, green, blue], 0 to 255.
function rgbOf(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
