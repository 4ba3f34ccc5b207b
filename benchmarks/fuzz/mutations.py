"""What can become of a file or a request: bytes turned, cut, repeated, swapped, and structures with other contents."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]

LONGEST = 1 << 20  # bytes of a JSON text, as of a request's body

# Texts and numbers on which readers have failed, here and elsewhere.
TOKENS: Sequence[bytes] = (
    b"", b"0", b"-1", b"1e999", b"NaN", b"Infinity", b"null", b"[]", b"{}", b'""', b"\x00", b"\xff\xfe", b"../",
    b"%00", b"%ff", b"/etc/passwd", b"\xf0\x9f\x94\xba", b"\xed\xa0\x80", b"9" * 30, b"-9223372036854775809",
    b"18446744073709551616", b"0.1e-400", b"a" * 300, b"[" * 60, b"{\"a\":" * 40, b"<script>alert(1)</script>",
    b"..%2f", b"2147483648", b"\r\n\r\n", b"\t", b" ", b"\xc2\xa0", b"\xe2\x80\xae", b"=", b"&", b"%",
    b"#", b"?", b";", b",", b".", b"__class__", b"true",
)  # fmt: skip
VALUES: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**40, 0.0, -0.0, 1e-320, 1e308, float("nan"),
    float("inf"), "", " ", "a" * 5000, "\u0000", "\ud800", "../../etc/passwd", "/etc/passwd", "none", "1", "1e9",
    [], {}, [[]], [None] * 3, {"": None}, "\u202e", "🔺", [0] * 1000, {"a": {"a": {"a": {"a": {}}}}},
)  # fmt: skip


def of_bytes(sample: bytes, draws: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Change a few places of a sample."""
    content = bytearray(sample)
    for _ in range(draws.choice((1, 1, 1, 2, 3, 8))):
        at = draws.randrange(len(content) + 1)
        length = draws.choice((1, 1, 2, 4, 8, 64, 512))
        match draws.randrange(8):
            case 0 if content:
                content[min(at, len(content) - 1)] ^= 1 << draws.randrange(8)
            case 1:
                content[at : at + length] = b""
            case 2:
                content[at:at] = draws.randbytes(length)
            case 3:
                content[at : at + length] = draws.choice(TOKENS)
            case 4:
                content[at:at] = draws.choice(TOKENS)
            case 5:
                content[at:at] = content[at : at + length] * draws.choice((1, 2, 50))
            case 6:
                del content[at:]
            case _ if others:
                other = draws.choice(others)
                start = draws.randrange(len(other) + 1)
                content[at : at + length] = other[start : start + length]
    return bytes(content)


def of_json(document: Any, draws: random.Random) -> Any:
    """Return a document with another value, or name, at a place in it."""
    if isinstance(document, dict) and document and draws.random() < 0.9:
        changed, key = dict(document), draws.choice(list(document))
        match draws.randrange(12):
            case 0:
                del changed[key]
            case 1:
                changed[draws.choice([str(value) for value in VALUES[:20]])] = changed[key]
            case 2:
                changed[draws.choice(list(document))] = changed[key]
            case _:
                changed[key] = of_json(changed[key], draws)
        return changed
    if isinstance(document, list) and document and draws.random() < 0.8:
        changed_list, at = list(document), draws.randrange(len(document))
        changed_list[at] = of_json(document[at], draws)
        return changed_list * draws.choice((1, 1, 1, 2, 100))
    if isinstance(document, str) and draws.random() < 0.4:
        return of_bytes(document.encode("utf-8", "surrogatepass"), draws).decode("utf-8", "replace")
    if isinstance(document, int | float) and draws.random() < 0.4:
        return document * draws.choice((-1, 0, 2, 10, 1e6, 0.001))
    return draws.choice(VALUES)


def json_or_bytes(sample: bytes, draws: random.Random) -> bytes:
    """Change a JSON text, as a document or as bytes."""
    if draws.random() < 0.3:
        return of_bytes(sample, draws)
    document = json.loads(sample)
    for _ in range(draws.choice((1, 1, 2, 4))):
        document = of_json(document, draws)
    return json.dumps(document).encode("utf-8", "surrogatepass")[:LONGEST]


def zip_or_bytes(sample: bytes, draws: random.Random) -> bytes:
    """Change a zip: what a member holds, its name, or the archive's bytes."""
    if draws.random() < 0.3:
        return of_bytes(sample, draws)
    with zipfile.ZipFile(io.BytesIO(sample)) as archive:
        members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    at = draws.randrange(len(members))
    name, content = members[at]
    match draws.randrange(8):
        case 0:
            members[at] = of_bytes(name.encode(), draws).decode("utf-8", "replace") or "x", content
        case 1:
            del members[at]
        case 2:
            members.append((name, of_bytes(content, draws)))
        case 3:
            members.append((draws.choice(("../outside", "/tmp/outside", "a/../../b", "C:\\x", ".")), content))
        case _:
            start = draws.choice((0, 0, len(content)))  # heads are where structures lie
            members[at] = name, of_bytes(content[: start or 300], draws) + content[start or 300 :]
    target, kind = io.BytesIO(), draws.choice((zipfile.ZIP_STORED,) * 5 + (zipfile.ZIP_DEFLATED,))
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name.replace("\x00", "_")), content, kind)
    return target.getvalue()


def safetensors_or_bytes(sample: bytes, draws: random.Random) -> bytes:
    """Change a file of arrays: its header, which stays in its place, or its bytes."""
    if draws.random() < 0.3:
        return of_bytes(sample, draws)
    end = 8 + int.from_bytes(sample[:8], "little")
    header = json.loads(sample[8:end])
    for _ in range(draws.choice((1, 1, 2))):
        header = of_json(header, draws)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + sample[end:]
