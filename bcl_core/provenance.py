"""What a run was made with: enough to say why two runs of one recipe differ."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "kornia", "numpy", "scikit-learn")


@cache
def code_version() -> str:
    """Return 12 hexadecimal digits over this package's source: equal for equal code, whatever its history."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def provenance() -> dict[str, str]:
    """Return Python, package, platform and code versions."""
    found = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "code": code_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
