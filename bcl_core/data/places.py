"""Where data lie on this machine."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bcl_core.data.source import DataError
from bcl_core.recipe import DataPaths

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def data_home() -> Path:
    """Return where downloads go that were given no place: BCL_LAB_DATA, else ./data; absolute."""
    return Path(os.environ.get("BCL_LAB_DATA") or "data").expanduser().absolute()


def existing_folder(path: Path | None, layout: str, setting: str = "data.path") -> Path:
    """Return the folder that a setting names; `layout` says for the error what it should hold.

    Raises:
        DataError: there is none, it may not be opened, or it is a file; an archive should be unpacked.
    """
    if path is None:
        raise DataError(f"this data set needs a folder: set {setting}; {layout}")
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError as error:
        raise DataError(f"there is no folder {path}; {layout}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be opened: {getattr(error, 'strerror', error)}; {layout}") from error
    if not is_folder and path.suffix.lower() in ARCHIVES:
        raise DataError(f"{path} is an archive: unpack it and set {setting} to the folder; {layout}")
    if not is_folder:
        raise DataError(f"{path} is a file, not a folder; {layout}")
    return path


def contents(folder: Path) -> list[Path]:
    """Return what lies in a folder; DataError where it may not be read."""
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}; allow this user to read it") from error


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, or a link to one; DataError where the system does not let this user know."""
    try:
        return path.is_dir()
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}; allow this user to read it") from error


def download_folder(path: Path | None) -> Path:
    """Return where a download lies or goes: the folder given, which need not be there yet, else `data_home()`.

    Raises:
        DataError: it is a file, or cannot be made.
    """
    folder = path or data_home()
    kept = "the data set is looked for there, and else downloaded into it"
    try:
        if folder.exists():
            return existing_folder(folder, kept)
        above = next(parent for parent in folder.parents if parent.exists())
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} cannot be opened: {getattr(error, 'strerror', error)}; {kept}") from error
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise DataError(f"there is no folder {folder}, and none can be made in {above}; {kept}")
    return folder


def check_download(paths: DataPaths) -> None:
    """Raise DataError where a download could not lie."""
    download_folder(paths.path)


def holding(root: Path, traces: Sequence[str]) -> Path | None:
    """Return the folder that holds one of these files or folders: the root, the one around it, or one in it."""
    for folder in (root, root.parent, *sorted(root.glob("*/"))):
        with suppress(OSError):  # a folder that may not be looked into
            if any((folder / trace).exists() for trace in traces):
                return folder
    return None
