// A canvas as sharp as the screen, drawn anew where its size changes. Nobody points at it by keys: see surface.js.

import { sharpContext } from "./pen.js";
import { themeOf } from "./surface.js";

export class Sheet {
  /** @param {HTMLCanvasElement} canvas sized by the page @param paint (context, width, height, theme), in CSS pixels */
  constructor(canvas, paint) {
    Object.assign(this, { canvas, paint });
    this.observer = new ResizeObserver(() => this.retheme());
    this.observer.observe(canvas);
  }

  retheme() {
    this.theme = themeOf(this.canvas);
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width && height && this.theme) this.paint(sharpContext(this.canvas, width, height), width, height, this.theme);
  }

  destroy() {
    this.observer.disconnect();
  }
}
