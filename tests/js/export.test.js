import assert from "node:assert/strict";
import test from "node:test";

import { heldAt, pageOf } from "../../app/components/stage/export/page.js";
import { escaped, fileName, runInWords, scriptJson, scriptText } from "../../app/components/stage/export/words.js";

const NASTY = "</script><b>&\"'";

test("nothing that a user named ends an element of a saved page", () => {
  const told = { id: "r", label: NASTY };
  const run = { label: NASTY, group: NASTY, recipe: NASTY, space: "projection", provenance: { code: NASTY } };
  const page = pageOf({
    told: { runs: [told], saved: { search: "" } },
    runs: [{ ...run, epochs: [0, 1] }],
    script: `const end = "</script>";`,
    css: "",
    theme: [],
    dark: false,
    files: new Map([["runs/r/samples", "AAAA"]]),
    missing: [[`runs/${NASTY}`, NASTY]],
    date: new Date(0),
  }).join("");
  assert.equal(page.match(/<script/g).length, page.match(/<\/script>/g).length);
  assert.equal(page.match(/<script/g).length, 3);
  assert.ok(!page.includes("<b>"));
  assert.deepEqual(JSON.parse(/id="told">(.*)<\/script>/.exec(page)[1]).runs[0], told);
});

test("a saved page holds one answer of a kind, whatever is asked for", () => {
  assert.equal(heldAt("pulse?runs=a,b&since=3"), "pulse");
  assert.equal(heldAt("runs/a/history/r1?from=0&to=9&step=1"), "runs/a/history/r1");
  assert.equal(heldAt("runs/a/view/r1/9"), "runs/a/view/r1/9");
});

test("a script in a script element does what it did, and nothing in it ends the element", () => {
  const source = "return ['</script>', `</Script><!--${1}`, /<\\/script|<!--/u.test('<!--')]; // </script>";
  const written = scriptText(source);
  assert.ok(!/<\/script|<!--/i.test(written));
  assert.deepEqual(new Function(written)(), new Function(source)());
});

test("JSON in a script element reads back as it was", () => {
  const value = { name: `${NASTY}<!--`, list: [1, null] };
  assert.ok(!scriptJson(value).includes("<"));
  assert.deepEqual(JSON.parse(scriptJson(value)), value);
});

test("escaped text holds no markup and no characters that XML forbids", () => {
  assert.equal(escaped("a\0\x1b<b>&amp;\"'\n"), "a&lt;b&gt;&amp;amp;&quot;&#39;\n");
});

test("file names are letters, digits and hyphens, and never empty", () => {
  assert.equal(fileName(["Größe", NASTY, 3], "csv"), "gro-e-script-b-3.csv");
  assert.equal(fileName(["…"], "png"), "picture.png");
});

test("a run in words names itself once and says of what and where", () => {
  const told = { label: "BCL", recipe: "BCL, seed 0 · τ 0.3", space: "projection", seeds: 3 };
  assert.equal(runInWords(told), "BCL, seed 0 · τ 0.3 · bands over 3 seeds · class means, projection space, uncentred");
  assert.ok(runInWords({ ...told, label: "first" }, "classifier").startsWith("first: BCL, seed 0"));
});
