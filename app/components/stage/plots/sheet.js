// A canvas as sharp as the screen, drawn anew where its size changes. Nobody points at it by keys: see surface.js.

import { themeOf } from "./surface.js";

/** The cleared 2D context of a canvas that shows `width` × `height` CSS pixels, in these. */
export function sharpContext(canvas, width, height) {
  const ratio = devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d", { willReadFrequently: true }); // by the processor: see surface.js
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export class Sheet {
  size = [0, 0];

  /**
   * @param {HTMLCanvasElement} canvas sized by the page
   * @param {(context: CanvasRenderingContext2D, width: number, height: number, theme: Object) => void} paint in CSS
   *   pixels; the theme is that of `themeOf`
   */
  constructor(canvas, paint) {
    Object.assign(this, { canvas, paint });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
  }

  /** Note the size, which later, between changes of the page, would have the browser lay it all out. */
  resize() {
    this.size = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.retheme();
  }

  /** Read the theme's colours anew and redraw. */
  retheme() {
    this.theme = themeOf(this.canvas);
    this.draw();
  }

  draw() {
    const [width, height] = this.size;
    if (width && height) this.paint(sharpContext(this.canvas, width, height), width, height, this.theme);
  }

  destroy() {
    this.observer.disconnect();
  }
}
