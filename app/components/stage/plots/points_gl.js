// Samples as anti-aliased discs, tweened and turned by the graphics card.

import { DIMMED, LARGE, RING, SELECTED } from "./view.js";

const EPOCHS_KEPT = 12; // 10,000 samples × 10 dimensions are 200 kB each
const INT16 = 2; // bytes
const UNIFORMS = ["basis", "paper", "ink", "unit", "fraction", "dotRadius", "ratio", "relief"];
const [A, B, COLOUR, FLAGS] = [0, 3, 6, 7]; // attributes; an epoch's twelve dimensions take three of them

const VERTEX = `#version 300 es
layout(location = ${A}) in vec4 a0;
layout(location = ${A + 1}) in vec4 a1;
layout(location = ${A + 2}) in vec4 a2;
layout(location = ${B}) in vec4 b0;
layout(location = ${B + 1}) in vec4 b1;
layout(location = ${B + 2}) in vec4 b2;
layout(location = ${COLOUR}) in vec3 colour;
layout(location = ${FLAGS}) in uint flags;
uniform vec4 basis[9];
uniform vec3 paper;
uniform vec2 unit; // clip space per unit length
uniform float fraction, dotRadius, ratio, relief;
flat out vec3 fill;
flat out float radius, hole, rim, halo, size;

float along(int row, vec4 p, vec4 q, vec4 r) {
  return dot(basis[3 * row], p) + dot(basis[3 * row + 1], q) + dot(basis[3 * row + 2], r);
}

void main() {
  vec4 p = mix(a0, b0, fraction), q = mix(a1, b1, fraction), r = mix(a2, b2, fraction);
  float depth = relief * along(2, p, q, r);
  bool ring = (flags & ${RING}u) != 0u, large = (flags & ${LARGE | SELECTED}u) != 0u;
  bool selected = (flags & ${SELECTED}u) != 0u, dimmed = (flags & ${DIMMED}u) != 0u;
  fill = mix(colour, paper, dimmed ? 0.8 : 0.22 * relief * (1.0 - depth));
  radius = dotRadius * ratio * (1.0 + 0.15 * depth) * (large ? 1.4 : ring ? 1.25 : 1.0);
  hole = ring ? radius - max(1.2 * ratio, 0.4 * radius) : -1.0;
  rim = selected ? ratio : 0.0;
  halo = min(0.35 * radius, 0.9 * ratio);
  size = 2.0 * (radius + rim + halo) + 2.0;
  float layer = selected ? -0.5 : dimmed ? 0.5 : 0.0;
  gl_Position = vec4(unit * vec2(along(0, p, q, r), along(1, p, q, r)), layer - 0.2 * depth, 1);
  gl_PointSize = size;
}`;

// The halo in the page's colour parts a disc from those behind it. It is also what lets a depth test do without
// sorting: where its rim is half covered, the page's colour is right whichever disc came first.
const FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 paper, ink;
flat in vec3 fill;
flat in float radius, hole, rim, halo, size;
out vec4 pixel;

float inside(float limit, float distance) {
  return clamp(limit - distance + 0.5, 0.0, 1.0);
}

void main() {
  float away = length(gl_PointCoord - 0.5) * size;
  float cover = inside(radius + rim + halo, away);
  if (cover < 0.5) discard;
  vec3 colour = rim > 0.0 ? mix(paper, ink, inside(radius + rim, away)) : paper;
  colour = mix(colour, fill, inside(radius, away));
  colour = mix(colour, paper, inside(hole, away));
  pixel = vec4(colour, 1) * cover;
}`;

export class PointsGL {
  buffers = new Map(); // coordinates -> their buffer, the least recently drawn first

  /** @param {() => void} onRestored called when the browser took the context away and gave an empty one back */
  static on(canvas, onRestored) {
    const gl = canvas.getContext("webgl2", { antialias: false });
    return gl && new PointsGL(canvas, gl, onRestored);
  }

  constructor(canvas, gl, onRestored) {
    Object.assign(this, { gl, canvas, listening: new AbortController() });
    const { signal } = this.listening;
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault(), { signal });
    canvas.addEventListener("webglcontextrestored", () => (this.prepare(), onRestored()), { signal });
    this.prepare();
  }

  prepare() {
    const { gl } = this;
    const program = link(gl);
    gl.useProgram(program);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers.clear();
    this.styles = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.styles);
    gl.enableVertexAttribArray(COLOUR);
    gl.vertexAttribPointer(COLOUR, 3, gl.UNSIGNED_BYTE, true, 4, 0);
    gl.enableVertexAttribArray(FLAGS);
    gl.vertexAttribIPointer(FLAGS, 1, gl.UNSIGNED_BYTE, 4, 3);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  setRows(rows) {
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, rows, this.gl.STATIC_DRAW);
  }

  setStyle(style) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.styles);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, style, this.gl.DYNAMIC_DRAW);
  }

  draw({ samples, view, fraction, theme }) {
    const { gl, at, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!samples.count) return;
    this.attach(A, samples.a, samples.dims);
    this.attach(B, samples.b, samples.dims);
    gl.uniform4fv(at.basis, view.basis);
    gl.uniform2f(at.unit, (2 * view.radius) / view.width, (2 * view.radius) / view.height);
    gl.uniform1f(at.fraction, fraction);
    gl.uniform1f(at.dotRadius, view.dotRadius(samples.count));
    gl.uniform1f(at.ratio, canvas.width / view.width);
    gl.uniform1f(at.relief, view.flat ? 0 : 1);
    gl.uniform3fv(at.paper, theme.paperRgb.map((channel) => channel / 255));
    gl.uniform3fv(at.ink, theme.textRgb.map((channel) => channel / 255));
    gl.drawElements(gl.POINTS, samples.count, gl.UNSIGNED_INT, 0);
  }

  /** Point three attributes at an epoch's coordinates, (N, D) int16, sent to the card if it does not have them yet. */
  attach(location, coordinates, dims) {
    const { gl, buffers } = this;
    const buffer = buffers.get(coordinates) ?? this.upload(coordinates);
    buffers.delete(coordinates);
    buffers.set(coordinates, buffer);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    for (let first = 0; first < 12; first += 4) {
      const attribute = location + first / 4;
      const size = Math.min(4, dims - first);
      // What an attribute lacks reads 0, 0, 0, 1; the basis is 0 there.
      if (size <= 0) gl.disableVertexAttribArray(attribute);
      else {
        gl.enableVertexAttribArray(attribute);
        gl.vertexAttribPointer(attribute, size, gl.SHORT, true, INT16 * dims, INT16 * first);
      }
    }
  }

  upload(coordinates) {
    const { gl, buffers } = this;
    const [oldest] = buffers.size < EPOCHS_KEPT ? [] : buffers.keys();
    const buffer = buffers.get(oldest) ?? gl.createBuffer();
    buffers.delete(oldest);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, coordinates, gl.STATIC_DRAW);
    return buffer;
  }

  destroy() {
    this.listening.abort();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow only 8 to 16 of them
  }
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The points' shader was refused: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
