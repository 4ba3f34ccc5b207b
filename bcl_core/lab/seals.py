"""Checksums that files carry in themselves, so that a byte that has flipped since is not taken for data.

safetensors have theirs in the metadata, torch's checkpoints, which are zip files, in the comment at their end; whoever
reads such files without knowing finds what he expects. What was written before there were seals is checked as far as
it can be.
"""

import hashlib
import io
import json
import re
import struct
import zipfile

_HEX = 64  # characters of a SHA-256
_UNSEALED = "0" * _HEX
_DIGEST = re.compile(rb'"digest":"([0-9a-f]{64})"')
_ZIP_END = b"PK\x05\x06"  # of 22 bytes, of which the last two say how long the comment after them is
# What zipfile raises where a file is damaged, beside what says so.
ZIP_ERRORS = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, OverflowError, struct.error)
ANOTHER = "its checksum is another"


def seal_arrays(content: bytes) -> bytes:
    """Return safetensors with a digest in the metadata: the same bytes for the same content, whatever its order."""
    end = header_end(content)
    header = json.loads(content[8:end])
    header["__metadata__"] = {**header.get("__metadata__", {}), "digest": _UNSEALED}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # as the format asks, so that arrays are aligned
    content = len(text).to_bytes(8, "little") + text + content[end:]
    digest = hashlib.sha256(content).hexdigest().encode()  # of the whole file, with zeros where it will stand
    return content.replace(b'"digest":"' + _UNSEALED.encode(), b'"digest":"' + digest, 1)


def is_sealed(content: bytes) -> bool:
    """Whether safetensors carry a digest; those of the first release, and of other code, do not."""
    return _sealed_with(content) is not None


def fault_of_arrays(content: bytes) -> str | None:
    """Say what is wrong with safetensors; None for nothing, also where no digest tells."""
    found = _sealed_with(content)
    if found is None:
        return None
    unsealed = content[: found.start(1)] + _UNSEALED.encode() + content[found.end(1) :]
    return None if hashlib.sha256(unsealed).hexdigest().encode() == found[1] else ANOTHER


def header_end(content: bytes) -> int:
    """Return where the header of safetensors ends, as it says itself."""
    return 8 + int.from_bytes(content[:8], "little")


def _sealed_with(content: bytes) -> re.Match[bytes] | None:
    return _DIGEST.search(content, 0, min(header_end(content), len(content)))


def seal_zip(content: bytes) -> bytes:
    """Return a zip file without a comment with a digest of all that is before it as its comment."""
    assert content[-22:-18] == _ZIP_END and content[-2:] == bytes(2)
    sealed = content[:-2] + struct.pack("<H", _HEX)
    return sealed + hashlib.sha256(sealed).hexdigest().encode()


def fault_of_zip(content: bytes) -> str | None:
    """Say what is wrong with a zip file; one without a seal is held against the checksums of its entries."""
    if not content:
        return "it is empty"
    body, seal = content[:-_HEX], content[-_HEX:]
    if body[-22:-18] == _ZIP_END and body[-2:] == struct.pack("<H", _HEX):
        return None if hashlib.sha256(body).hexdigest().encode() == seal else ANOTHER
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return None if archive.testzip() is None else ANOTHER
    except ZIP_ERRORS:
        return "it is cut short, or overwritten"
