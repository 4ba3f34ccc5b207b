"""Make sure that a Chromium is there for the browser tests: one on the path, Debian's package, or Playwright's own."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    if found():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False)
        if found():
            return
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode:
        sys.exit(
            "The browser tests need Chromium and it could not be installed. Install it by hand (Debian: apt install "
            "chromium), or run the other tests: .venv/bin/python -m pytest -m 'not browser'"
        )


if __name__ == "__main__":
    main()
