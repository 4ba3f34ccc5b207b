"""Chromium for tests and benchmarks: one on the path, Debian's package, or Playwright's own.

`python harness/chromium.py` installs it where there is none.
"""

import os
import shutil
import subprocess
import sys

# The headless shell first: it opens a page for half the CPU.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# WebGL in software where there is no graphics card, and nothing that calls home.
ARGUMENTS = [
    "--no-sandbox",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def found() -> str | None:
    """Return where a Chromium lies; None where Playwright is to look for its own."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    """Install it where there is none."""
    if found():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", NAMES[0]], check=False)
        if found():
            return
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode:
        sys.exit(
            "The browser tests need Chromium and it could not be installed. Install it by hand (Debian: apt install "
            "chromium), or run the other tests: .venv/bin/python -m pytest -m 'not browser'"
        )


if __name__ == "__main__":
    main()
