"""The wheel's dependencies, read from the files that `make run` installs: each is written down once."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# [app] trains too: its pages start the worker.
EXTRAS = {"train": ("train",), "app": ("train", "app"), "tensorboard": ("tensorboard",), "docs": ("docs",)}


class Requirements(MetadataHookInterface):
    """Fills in what pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies and the extras."""
        metadata["dependencies"] = self._listed("core")
        metadata["optional-dependencies"] = {
            extra: [line for name in names for line in self._listed(name)] for extra, names in EXTRAS.items()
        }

    def _listed(self, name: str) -> list[str]:
        lines = (Path(self.root) / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line and not line.startswith("#")]
