import assert from "node:assert/strict";
import test from "node:test";

import { SvgContext } from "../../app/components/stage/export/svg.js";

const context = () => new SvgContext((text, font) => text.length * /([\d.]+)px/.exec(font)[1]);
const written = (drawing) => drawing.text(100, 50, "#ffffff", "A title");

test("a circle, a path and a rectangle are written with the pen that drew them", () => {
  const drawing = context();
  Object.assign(drawing, { fillStyle: "#102030", strokeStyle: "red", lineWidth: 2, globalAlpha: 0.5 });
  drawing.beginPath();
  drawing.arc(10, 20, 3.456, 0, 2 * Math.PI);
  drawing.fill();
  drawing.beginPath();
  drawing.moveTo(0, 0);
  drawing.lineTo(4, 0.125);
  drawing.closePath();
  drawing.stroke();
  drawing.globalAlpha = 1;
  drawing.fillRect(1, 2, 3, 4);
  const text = written(drawing);
  assert.ok(text.includes('<circle cx="10" cy="20" r="3.46" fill="#102030" fill-opacity="0.5"/>'));
  assert.ok(text.includes('<path d="M0 0L4 0.13Z" fill="none" stroke="red" stroke-width="2" stroke-opacity="0.5"/>'));
  assert.ok(text.includes('<rect x="1" y="2" width="3" height="4" fill="#102030"/>'));
});

test("a path whose first point is a line starts there, as on a canvas", () => {
  const drawing = context();
  drawing.beginPath();
  drawing.lineTo(1, 2);
  drawing.lineTo(3, 4);
  drawing.stroke();
  assert.ok(written(drawing).includes('d="M1 2L3 4"'));
});

test("what is saved is restored: pen, and where the paper lies", () => {
  const drawing = context();
  drawing.save();
  drawing.fillStyle = "blue";
  drawing.translate(5, 6);
  drawing.rotate(-Math.PI / 2);
  drawing.fillRect(0, 0, 1, 1);
  drawing.restore();
  drawing.fillRect(0, 0, 1, 1);
  const [, turned, plain] = written(drawing).match(/<rect[^>]*>/g);
  assert.match(turned, /fill="blue" transform="translate\(5 6\)rotate\(-90\)"/);
  assert.match(plain, /fill="#000"\/>/);
});

test("texts cannot become elements, and take the room that they were measured to take", () => {
  const drawing = context();
  drawing.font = "600 12px Sans, sans-serif";
  drawing.textBaseline = "middle";
  drawing.fillText('</script><b a="1">&', 0, 10);
  const text = written(drawing);
  assert.ok(text.includes("&lt;/script&gt;&lt;b a=&quot;1&quot;&gt;&amp;</text>"));
  assert.ok(text.includes('textLength="228"'));
  assert.ok(text.includes('font-weight="600"') && text.includes('y="14.2"'));
});

test("two drawings on one page do not share their gradients", () => {
  const texts = [context(), context()].map((drawing) => {
    const gradient = drawing.createLinearGradient(0, 0, 10, 0);
    gradient.addColorStop(0, "red");
    drawing.fillStyle = gradient;
    drawing.fillRect(0, 0, 10, 10);
    return written(drawing);
  });
  const ids = texts.map((text) => /<linearGradient id="([^"]+)"/.exec(text)[1]);
  assert.notEqual(ids[0], ids[1]);
  ids.forEach((id, i) => assert.ok(texts[i].includes(`fill="url(#${id})"`)));
});
