"""ES modules as one: an entry with all that it imports, so that a browser asks once for a component.

Each module becomes a function scope, after those that it imports; its text stays as it is, line for line, but for
imports and exports. What is not known to mean the same in there is refused, so that no browser finds out.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

_NAMES, _PATH = r"\{([^{}]*)\}", r'"(\.[^"]+)"'
_IMPORT = re.compile(rf"^import {_NAMES} from {_PATH};$", re.MULTILINE)
_LIST = re.compile(rf"^export {_NAMES}(?: from {_PATH})?;$", re.MULTILINE)
_DECLARATION = re.compile(r"^export (default )?(?=(?:(?:async )?function|class|const) ([\w$]+))", re.MULTILINE)
# Wherever a statement may begin; and, comments aside, what is resolved against the module's own address.
_OTHER = re.compile(
    r"(?:^|[;}]|\*/)[ \t]*(?:export|import(?![ \t]*\())\b|^(?![ \t]*(?://|/?\*)).*\bimport\s*(?:\.|\((?!new URL\())",
    re.MULTILINE,
)
_KNOWN = (
    'is none of `import { a, b as c } from "./x.js";`, `export [default] [async] function|class|const name`, '
    '`export { a, b as c } [from "./x.js"];` and `import(new URL(`'
)


class RefusedModule(ValueError):
    """A module that cannot be bundled: which, in which line, and why."""


def bundled(sources: Mapping[str, str], entry: str) -> str:
    """Return one module that imports nothing and exports what `entry` does.

    `sources` are texts by their paths, of which `entry` is one. Raises RefusedModule where a module has an import or
    export of a form not known here, lacks a name that another imports, or imports what imports it.
    """
    exports: dict[str, dict[str, str]] = {}  # of each path: by the name outside, the name, or expression, inside
    scopes: list[str] = []

    def include(path: str, above: tuple[str, ...]) -> None:
        source, inside = sources[path], dict[str, str]()

        def refuse(position: int, text: str, why: str) -> NoReturn:
            line = text.count("\n", 0, position)
            raise RefusedModule(f"{path}:{line + 1}: `{source.splitlines()[line].strip()}` {why}")

        def include_from(match: re.Match[str]) -> str:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[2]))
            if target not in sources:
                refuse(match.start(), match.string, f"asks for {target}, which is not there")
            if target in (path, *above):
                refuse(match.start(), match.string, "closes a circle of modules that import each other")
            if target not in exports:
                include(target, (path, *above))
            for name, _ in _names(match[1]):
                if name not in exports[target] or name == "default":
                    refuse(match.start(), match.string, f"asks for {name}, which {target} does not export by this name")
            return _scope(target)

        def imported(match: re.Match[str]) -> str:
            return f"const {{ {_object(_names(match[1]))} }} = {include_from(match)};" + "\n" * match[0].count("\n")

        def listed(match: re.Match[str]) -> str:
            origin = f"{include_from(match)}." if match[2] else ""
            inside.update({outside: origin + name for name, outside in _names(match[1])})
            return "\n" * match[0].count("\n")

        def declared(match: re.Match[str]) -> str:
            inside["default" if match[1] else match[2]] = match[2]
            return ""

        text = _DECLARATION.sub(declared, _LIST.sub(listed, _IMPORT.sub(imported, source)))
        if other := _OTHER.search(text):
            refuse(other.end(), text, _KNOWN)
        exports[path] = inside
        exported = f"return {{ {_object(inside.items())} }};"
        scopes.append(f"// {path}\nconst {_scope(path)} = (() => {{\n{text.rstrip()}\n{exported}\n}})();\n")

    include(entry, ())
    if named := ", ".join(name for name in exports[entry] if name != "default"):
        scopes.append(f"export const {{ {named} }} = {_scope(entry)};\n")
    if "default" in exports[entry]:
        scopes.append(f"export default {_scope(entry)}.default;\n")
    return "\n".join(scopes)


def _names(text: str) -> list[tuple[str, str]]:
    """What stands between braces: pairs of a name and what it is called from there on."""
    parts = [part.split(" as ") for part in re.split(r"\s*,\s*", text.strip()) if part]
    return [(part[0], part[-1]) for part in parts]


def _object(names: Iterable[tuple[str, str]]) -> str:
    """The inside of an object literal, or of the pattern that takes one apart."""
    return ", ".join(name if name == called else f"{name}: {called}" for name, called in names)


def _scope(path: str) -> str:
    return "$" + re.sub(r"\W", "$", path.removesuffix(".js"))
