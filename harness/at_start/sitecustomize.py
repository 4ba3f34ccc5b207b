"""Python runs this at its start where this folder is on its path: see `harness.faulty_disk`."""

from harness.faulty_disk import install

install()
