// A canvas as sharp as the screen, drawn anew where its size changes. Nobody points at it by keys: see surface.js.

import { sharpContext } from "./pen.js";
import { themeOf } from "./surface.js";

/** Where a pointer is on a canvas, in the pixels that it is drawn in, also where the page enlarges it. */
export function pointedAt(canvas, { clientX, clientY }) {
  const { left, top, width } = canvas.getBoundingClientRect();
  const scale = canvas.clientWidth / width;
  return [(clientX - left) * scale, (clientY - top) * scale];
}

export class Sheet {
  size = [0, 0];

  /** @param {HTMLCanvasElement} canvas sized by the page @param paint (context, width, height, theme), in CSS pixels */
  constructor(canvas, paint) {
    Object.assign(this, { canvas, paint });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
  }

  /** Note the size: whoever asks for it after changing the page has the browser lay that out at once. */
  resize() {
    this.size = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.retheme();
  }

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
