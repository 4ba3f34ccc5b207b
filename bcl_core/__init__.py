"""The science and the engine of BCL Lab: losses, geometry, training and the store of runs. Knows no screen."""

__version__ = "0.2.0"
