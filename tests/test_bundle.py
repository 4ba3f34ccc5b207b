"""A component's one module does what its modules do; what might not is refused before a browser sees it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.components import ENTRIES, MODULES
from app.components.bundle import RefusedModule, bundled
from tests.test_javascript import NODE

FOLDER = Path(__file__).parents[1] / "app/components"
# Each module and its bundle, imported side by side: what they export, functions as their text.
COMPARED = """
globalThis.OffscreenCanvas = class { getContext() {} };
const said = (module) => JSON.stringify(
  Object.entries(module).sort().map(([name, value]) => [name, typeof value === "function" ? String(value) : value]),
);
for (const [name, text] of PAIRS) {
  if (said(await import(name)) !== said(await import(text))) throw new Error(name);
}
"""
# One function that leans on two modules below it, one on a renamed import, and a class that extends an imported one.
USED = """
globalThis.OffscreenCanvas = class { getContext() {} };
const { FIELDS, read, write } = await import(STATE);
const { Angles } = await import(ANGLES);
const state = read("?runs=a.b&epoch=3&speed=9999&selected=0-4.7&panels=tour.angles");
console.log(JSON.stringify([state, write(state), Object.keys(FIELDS), Object.getPrototypeOf(Angles).name]));
"""


def node(program: str, into: Path, **names: object) -> str:
    told = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    (into / "program.mjs").write_text(told + program, encoding="utf-8")
    done = subprocess.run([NODE, into / "program.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(entry: str, into: Path) -> str:
    file = into / entry.replace("/", "-").replace(".js", ".mjs")
    file.write_text(bundled(MODULES, entry), encoding="utf-8")
    return file.as_uri()


def test_every_module_bundled_exports_what_it_does_alone(tmp_path: Path) -> None:
    opened = ("stage/export/saved.js", "sphere/alone.js", "lessons/page.js")  # act on their pages, and export nothing
    pairs = [((FOLDER / name).as_uri(), written(name, tmp_path)) for name in MODULES if name not in opened]
    node(COMPARED, tmp_path, PAIRS=pairs)


def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    names = {"STATE": "stage/state.js", "ANGLES": "stage/lenses/angles.js"}
    alone = node(USED, tmp_path, **{key: (FOLDER / name).as_uri() for key, name in names.items()})
    assert node(USED, tmp_path, **{key: written(name, tmp_path) for key, name in names.items()}) == alone
    assert "Lens" in alone


def test_names_are_renamed_passed_on_and_apart(tmp_path: Path) -> None:
    sources = {
        "a/a.js": 'import {\n  one as first,\n  twice,\n} from "./b.js";\nimport { one } from "../c/c.js";\n'
        "const hidden = 10;\nexport const sum = twice(first) + one + hidden;\nexport default class Sum {}\n",
        "a/b.js": 'export { one, two as second } from "../c/c.js";\nconst hidden = 2;\n'
        "const twice = (x) => hidden * x;\nexport { twice };\n",
        "c/c.js": "export const one = 1;\nconst two = 2;\nexport { two };\n",
    }
    (tmp_path / "bundle.mjs").write_text(bundled(sources, "a/a.js"))
    program = """
import Sum, { sum } from "./bundle.mjs";
import * as all from "./bundle.mjs";
console.log(sum, Sum.name, Object.keys(all).join());
"""
    assert node(program, tmp_path) == "13 Sum default,sum\n"


def test_the_text_of_a_module_keeps_its_lines() -> None:
    source = MODULES["stage/plots/points.js"].splitlines()
    lines = bundled(MODULES, "stage/plots/points.js").splitlines()
    start = lines.index("// stage/plots/points.js") + 2
    same = [a == b for a, b in zip(source, lines[start:], strict=False)]
    differ = {line.split()[0] for line, kept in zip(source, same, strict=True) if not kept}
    assert differ == {"import", "export"}


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./b.js";',
        'import * as b from "./b.js";',
        'import x, { one } from "./b.js";',
        'import "./b.js";',
        'import { one } from "b.js";',
        "import { one } from './b.js';",
        'import { one } from "./b.js"',
        '  import { one } from "./b.js";',
        'f(); import { one } from "./b.js";',
        'const b = await import("./b.js");',
        "const b = import(path);",
        "const here = import.meta.url;",
        "export let one = 1;",
        "export var one = 1;",
        "export const { one } = f();",
        "export const [one] = f();",
        "export default 1;",
        "export default function () {}",
        "export default (x) => x;",
        "export function* one() {}",
        'export * from "./b.js";',
        "export { one }",
        "}; export { one }",
    ],
)
def test_another_form_is_refused_with_its_place(line: str) -> None:
    sources = {"a/a.js": f"// A module.\n\nconst three = 3;\n{line}\n", "a/b.js": "export const one = 1;\n"}
    with pytest.raises(RefusedModule, match=r"^a/a\.js:4: .* is none of .*import \{ a, b as c \}") as refused:
        bundled(sources, "a/a.js")
    assert f"`{line.strip()}`" in str(refused.value)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            'import {\n  one,\n} from "./b.js";\nimport { two } from "./b.js";\n',
            "a/a.js:4: .* asks for two, which a/b.js",
        ),
        ('import { default as b } from "./b.js";\n', "a/a.js:1: .* asks for default"),
        ('\nexport { two } from "./b.js";\n', "a/a.js:2: .* asks for two"),
        ('import { one } from "./c.js";\n', "a/a.js:1: .* asks for a/c.js, which is not there"),
        ('import { one } from "../../b.js";\n', "asks for ../b.js, which is not there"),
        ('import { loop } from "./loop.js";\nexport const a = 1;\n', "a/loop.js:1: .* closes a circle"),
        ('import { a } from "./a.js";\nexport const a = 1;\n', "a/a.js:1: .* closes a circle"),
    ],
)
def test_what_is_missing_or_goes_in_a_circle_is_refused_with_its_place(source: str, why: str) -> None:
    loop = 'import { a } from "./a.js";\nexport const loop = a;\n'
    sources = {"a/a.js": source, "a/b.js": "export const one = 1;\nexport default function b() {}\n", "a/loop.js": loop}
    with pytest.raises(RefusedModule, match=why):
        bundled(sources, "a/a.js")


def test_words_and_types_are_no_imports() -> None:
    source = (
        '// import x from "./x.js";\n/** @type {import("./x.js").X} */\n/**\n * @typedef {import("./x.js").X} X\n */\n'
        'export const said = "import and export; all of it"; // imported by export_words.js\n'
        "const later = import(new URL(said, document.baseURI).href);\n"
    )
    assert source.replace("export const", "const") in bundled({"a/a.js": source}, "a/a.js")


def test_no_module_is_left_out_of_every_bundle() -> None:
    inside = {
        name for entry in ENTRIES for name in re.findall(r"^// (\S+\.js)$", bundled(MODULES, entry), re.MULTILINE)
    }
    assert inside == set(MODULES)
