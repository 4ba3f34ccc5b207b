// Samples as discs on a plain canvas, where the browser has no WebGL2: the same picture, slower.

import { circle, sharpContext } from "./pen.js";
import { DIMMED, LARGE, RING, SELECTED } from "./view.js";

/** Draws as `PointsGL` does; the scene's arrays are read at each drawing. */
export function points2D(canvas) {
  const draw = (scene) => drawSamples(sharpContext(canvas, scene.view.width, scene.view.height), scene);
  const nothing = () => {};
  return { draw, setRows: nothing, setStyle: nothing, destroy: nothing };
}

/** Draw the scene's samples with any 2D context, in CSS pixels, the furthest first. */
export function drawSamples(context, { samples, rows, style, view, fraction, theme }) {
  samples.place(view, fraction);
  const { screen, depth } = samples;
  const layer = (flags) => (flags & SELECTED ? 3 : flags & DIMMED ? -3 : 0);
  const rank = (i) => depth[i] + layer(style[4 * rows[i] + 3]);
  const dot = view.dotRadius(samples.count);
  for (const i of Uint32Array.from(depth.keys()).sort((i, j) => rank(i) - rank(j) || i - j)) {
    const at = 4 * rows[i];
    const flags = style[at + 3];
    const radius = dot * (1 + 0.15 * depth[i]) * (flags & (LARGE | SELECTED) ? 1.4 : flags & RING ? 1.25 : 1);
    const rim = flags & SELECTED ? 1 : 0;
    const halo = Math.min(0.35 * radius, 0.9);
    const faded = flags & DIMMED ? 0.8 : view.flat ? 0 : 0.22 * (1 - depth[i]);
    const disc = (size, colour) => {
      context.fillStyle = colour;
      circle(context, screen[2 * i], screen[2 * i + 1], Math.max(size, 0));
      context.fill();
    };
    disc(radius + rim + halo, theme.paper);
    if (rim) disc(radius + rim, theme.text);
    const fill = theme.paperRgb.map((paper, k) => Math.round(style[at + k] * (1 - faded) + paper * faded));
    disc(radius, `rgb(${fill})`);
    if (flags & RING) disc(radius - Math.max(1.2, 0.4 * radius), theme.paper);
  }
}
